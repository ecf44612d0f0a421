#include "geoul/runtime/serve.h"

#include <cstdlib>

#include "geoul/runtime/jobs.h"

namespace geoul::runtime {

std::optional<std::string> find_studio(const std::string& given) {
  const char* environment = std::getenv("GEOUL_STUDIO");
  const std::string folder = !given.empty() ? given : environment ? environment : GEOUL_STUDIO_DIST;
  std::error_code failure;
  if (std::filesystem::is_regular_file(folder + "/index.html", failure)) return folder;
  return std::nullopt;
}

Result<std::unique_ptr<Server>> start_server(const std::string& host, std::uint16_t port, const std::string& studio) {
  const std::optional<std::string> files = find_studio(studio);
  if (!studio.empty() && !files) {
    return Error{
        ErrorCode::kNotFound,
        studio + ": there is no index.html; give the folder that 'tools/build studio' makes, or leave --studio out"};
  }
  ServerOptions options;
  options.address = host == "localhost" ? "127.0.0.1" : host;
  options.port = port;
  options.files = files.value_or("");
  Result<std::unique_ptr<Server>> server = Server::start(std::move(options));
  if (server || server.error().message.find(';') != std::string::npos) return server;
  return Error{server.error().code,
               server.error().message + "; choose an address of this machine with --host, or another --port"};
}

void say_where_to_look(const Server& server, const std::string& studio,
                       const std::function<void(const std::string&)>& say) {
  if (!say) return;
  std::string socket = server.url();
  socket.replace(0, socket.find(':'), "ws");
  if (find_studio(studio)) {
    say("open      " + server.url());
  } else {
    say("studio    not built: run 'tools/build studio' and start again");
  }
  say("protocol  " + socket + " (Foxglove and Lichtblick connect here)");
}

std::string_view version() { return GEOUL_VERSION; }

}  // namespace geoul::runtime
