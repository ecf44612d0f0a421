#include "geoul/runtime/serve.h"

#include <charconv>
#include <cstdlib>

#include "geoul/runtime/access/certificate.h"
#include "geoul/runtime/access/gate.h"

namespace geoul::runtime {

std::optional<std::string> find_studio(const std::string& given) {
  const char* environment = std::getenv("GEOUL_STUDIO");
  const std::string folder = !given.empty() ? given : environment ? environment : GEOUL_STUDIO_DIST;
  std::error_code failure;
  if (std::filesystem::is_regular_file(folder + "/index.html", failure)) return folder;
  return std::nullopt;
}

namespace {

// Where no folder can be made and none was asked for, there are no users, and a certificate of this run will do: but
// only for this machine, which Server::start sees to.
Result<access::Certificate> certificate_for(const AccessOptions& options, const std::filesystem::path& folder,
                                            Time now) {
  const std::vector<std::string> names = access::certificate_names(options.names);
  Result<void> made = folder.empty()
                          ? Result<void>(Error{ErrorCode::kUnavailable, "neither XDG_STATE_HOME nor HOME is set"})
                          : access::make_private_folder(folder);
  std::error_code ignored;
  if (made || !options.folder.empty() || std::filesystem::exists(folder, ignored)) {
    return access::load_or_make_certificate(folder, names, now);
  }
  Result<access::Certificate> certificate = access::make_certificate(names, now);
  if (certificate) certificate->note = made.error().message;
  return certificate;
}

}  // namespace

Result<std::unique_ptr<Server>> start_server(const ServeOptions& serve) {
  const std::optional<std::string> files = find_studio(serve.studio);
  if (!serve.studio.empty() && !files) {
    return Error{ErrorCode::kNotFound, serve.studio +
                                           ": there is no index.html; give the folder that 'tools/build studio' "
                                           "makes, or leave --studio out"};
  }
  ServerOptions options;
  options.address = serve.host == "localhost" ? "127.0.0.1" : serve.host;
  options.port = serve.port;
  options.files = files.value_or("");
  options.allowed_hosts = serve.access.names;
  const std::filesystem::path folder =
      serve.access.folder.empty() ? access::UserStore::default_folder() : std::filesystem::path(serve.access.folder);
  options.gate = std::make_shared<access::Gate>(
      access::GateOptions{.folder = folder, .limits = options.limits, .listener = serve.on_access});
  if (const std::string trouble = options.gate->trouble(); !trouble.empty()) {
    return Error{ErrorCode::kUnavailable, trouble};
  }
  Result<access::Certificate> certificate = certificate_for(serve.access, folder, options.gate->now());
  if (!certificate) return certificate.error();
  options.certificate = std::make_shared<const access::Certificate>(std::move(certificate).value());
  Result<std::unique_ptr<Server>> server = Server::start(std::move(options));
  if (server || server.error().message.find(';') != std::string::npos) return server;
  return Error{server.error().code,
               server.error().message + "; choose an address of this machine with --host, or another --port"};
}

namespace {

// The whole text as a number of `least` to `most`.
std::optional<int> whole_number(std::string_view text, int least, int most) {
  int value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || stop != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

}  // namespace

Result<TwinServe> twin_serve(const TwinServe& of_site, const std::string& opcua, const std::string& ros) {
  TwinServe out = of_site;
  if (!opcua.empty()) {
    if (!out.opcua) out.opcua.emplace();
    const std::size_t colon = opcua.rfind(':');
    const std::optional<int> port = whole_number(opcua.substr(colon == std::string::npos ? 0 : colon + 1), 1, 65535);
    if (!port || colon == 0)
      return Error{ErrorCode::kBadInput, "--serve-opcua '" + opcua + "' is no port; write 4840, or ADDRESS:4840"};
    if (colon != std::string::npos) out.opcua->host = opcua.substr(0, colon);
    out.opcua->port = static_cast<std::uint16_t>(*port);
  }
  if (!ros.empty()) {
    if (!out.ros) out.ros.emplace();
    const std::size_t at = ros.find('@');
    const std::optional<int> domain = whole_number(std::string_view(ros).substr(0, at), 0, 232);
    if (!domain || at + 1 == ros.size())
      return Error{ErrorCode::kBadInput, "--serve-ros '" + ros + "' is no domain of 0 to 232; write 0, or 0@eth0"};
    out.ros->domain = *domain;
    if (at != std::string::npos) out.ros->network = ros.substr(at + 1);
  }
  return out;
}

Result<std::unique_ptr<TwinServer>> start_twin_server(const TwinServe& serve, const Twin& twin, const Site* site,
                                                      const Player& player, const Server& server) {
  TwinServerOptions options;
  options.serve = serve;
  options.name = site ? site->name : twin.scene.name.empty() ? "twin" : twin.scene.name;
  options.site = site;
  options.signals = player.signals();
  options.is_live = player.is_live();
  const std::shared_ptr<access::Gate> gate = server.options().gate;
  if (serve.opcua) {
    const std::string& host = serve.opcua->host;
    const bool is_local = host == "localhost" || host == "::1" || host.starts_with("127.");
    if (!is_local && !gate->has_users()) {
      return Error{ErrorCode::kBadInput, "OPC UA on " + host +
                                             " opens the twin to the network, which needs users; add one with 'geoul "
                                             "user add NAME --role view', or leave the address at 127.0.0.1"};
    }
  }
  options.login = [gate](const std::string& user, const std::string& password) {
    // who signs in by OPC UA has no address here: all wait together after wrong passwords
    access::SignIn in = gate->sign_in(user, access::Secret(password), "opc.tcp");
    if (in.outcome != access::SignIn::Outcome::kDone) return false;
    if (const std::optional<access::Session> session = gate->find_session(in.session))
      gate->sign_out(session->identity, "opc.tcp");
    return true;
  };
  return TwinServer::start(twin, std::move(options));
}

void say_where_to_look(const Server& server, const std::string& studio,
                       const std::function<void(const std::string&)>& say) {
  if (!say) return;
  std::string socket = server.url();
  socket.replace(0, 4, "ws");  // http:// and https:// to ws:// and wss://
  if (find_studio(studio)) {
    say("open      " + server.url());
  } else {
    say("studio    not built: run 'tools/build studio' and start again");
  }
  say("protocol  " + socket + " (Foxglove and Lichtblick connect here)");
  const ServerOptions& options = server.options();
  say(options.gate->has_users() ? "access    users of " + access::UserStore(options.gate->folder()).file().string()
                                : "access    this account of this machine only; 'geoul user add' lets others in");
  if (!options.certificate) return;
  say("TLS       SHA-256 of the certificate " + options.certificate->fingerprint +
      (options.certificate->note.empty() ? "" : " (of this run only: " + options.certificate->note + ")"));
}

std::string_view version() { return GEOUL_VERSION; }

}  // namespace geoul::runtime
