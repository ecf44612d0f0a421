// The command "user": who may look at a running twin and steer it. A running twin notices every change at once.
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <utility>

#include "geoul/cli/commands.h"
#include "geoul/cli/terminal.h"
#include "geoul/runtime/access/gate.h"

namespace geoul::cli {
namespace {

namespace access = runtime::access;

constexpr double kSecondsPerDay = 86400;

struct Arguments {
  std::string folder, name, role, id, label;
  double days = 90;
  bool from_stdin = false;
};

// Keeps what is typed off the terminal while it lives.
class NoEcho {
 public:
  NoEcho() {
    tcgetattr(STDIN_FILENO, &before_);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~NoEcho() {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputc('\n', stderr);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
};

access::Secret read_line() {
  std::string line;
  line.reserve(4 * access::kMaxPassword);  // so that growing leaves no copy behind
  for (int c = std::getchar(); c != EOF && c != '\n' && line.size() < 4 * access::kMaxPassword; c = std::getchar()) {
    line.push_back(static_cast<char>(c));
  }
  return access::Secret::take(line);
}

access::Secret ask(const char* prompt) {
  std::fputs(prompt, stderr);
  const NoEcho quiet;
  return read_line();
}

Result<access::Secret> read_password(const Arguments& a) {
  if (a.from_stdin) return read_line();
  if (isatty(STDIN_FILENO) != 1) {
    return Error{ErrorCode::kBadInput, "there is no terminal to ask for a password; give it with --password-stdin"};
  }
  access::Secret first = ask("password: ");
  const access::Secret second = ask("once more: ");
  if (first.reveal() != second.reveal()) return Error{ErrorCode::kBadInput, "the two passwords differ; try again"};
  return first;
}

Time now() { return Time{static_cast<std::int64_t>(std::time(nullptr)) * 1'000'000'000}; }

std::string day(Time time) {
  if (time.ns == 0) return "never";
  const std::time_t seconds = time.ns / 1'000'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char out[16];
  std::strftime(out, sizeof out, "%Y-%m-%d", &utc);
  return out;
}

Result<std::string> list(const access::UserStore& store, const Arguments&) {
  const Result<access::Users> users = store.load();
  if (!users) return users.error();
  if (users->users.empty()) {
    return std::string("no users: only this account of this machine is let in; 'geoul user add' changes that");
  }
  for (const access::User& user : users->users) {
    std::printf("%-24s %s\n", user.name.c_str(), std::string(to_string(user.role)).c_str());
    for (const access::Token& token : user.tokens) {
      std::printf("  token %-17s %-10s until %s%s, used %s%s%s\n", token.id.c_str(),
                  std::string(to_string(token.role)).c_str(), day(token.expires).c_str(),
                  now() >= token.expires ? " (expired)" : "", day(token.used).c_str(), token.label.empty() ? "" : "  ",
                  token.label.c_str());
    }
  }
  return std::string();
}

// What a change says when it is done.
using Verb = Result<std::string> (*)(const access::UserStore&, const Arguments&);

Result<std::string> add(const access::UserStore& store, const Arguments& a) {
  const Result<access::Secret> password = read_password(a);
  if (!password) return password.error();
  const Result<void> done = store.change(
      [&](access::Users& users) { return add_user(users, a.name, *access::parse_role(a.role), *password, now()); });
  if (!done) return done.error();
  return "'" + a.name + "' may " + a.role + "; from now on everybody signs in, on this machine too";
}

Result<std::string> role(const access::UserStore& store, const Arguments& a) {
  const Result<void> done =
      store.change([&](access::Users& users) { return set_role(users, a.name, *access::parse_role(a.role)); });
  if (!done) return done.error();
  return "'" + a.name + "' may " + a.role;
}

Result<std::string> passwd(const access::UserStore& store, const Arguments& a) {
  const Result<access::Secret> password = read_password(a);
  if (!password) return password.error();
  const Result<void> done =
      store.change([&](access::Users& users) { return set_password(users, a.name, *password, now()); });
  if (!done) return done.error();
  return "'" + a.name + "' has a new password; sessions of the old one have ended, tokens go on";
}

Result<std::string> remove(const access::UserStore& store, const Arguments& a) {
  const Result<void> done = store.change([&](access::Users& users) { return remove_user(users, a.name); });
  if (!done) return done.error();
  return "'" + a.name + "' is gone, with all tokens and sessions";
}

Result<std::string> token(const access::UserStore& store, const Arguments& a) {
  std::optional<access::NewToken> made;
  const access::TokenWish wish{a.label, a.role.empty() ? std::nullopt : access::parse_role(a.role),
                               Duration::from_seconds(a.days * kSecondsPerDay)};
  const Result<void> done = store.change([&](access::Users& users) -> Result<void> {
    Result<access::NewToken> result = make_token(users, a.name, wish, now());
    if (!result) return result.error();
    made = std::move(result).value();
    return {};
  });
  if (!done) return done.error();
  std::printf("%.*s\n", static_cast<int>(made->secret.reveal().size()), made->secret.reveal().data());
  std::fflush(stdout);
  return "token " + made->id + " of '" + a.name +
         "': keep it, it is not shown again; use it as wss://HOST:PORT/?token=...";
}

Result<std::string> revoke(const access::UserStore& store, const Arguments& a) {
  const Result<void> done = store.change([&](access::Users& users) { return revoke_token(users, a.name, a.id); });
  if (!done) return done.error();
  return "token " + a.id + " of '" + a.name + "' is revoked";
}

CLI::App& add_verb(CLI::App& command, const char* name, const char* help, const std::shared_ptr<Arguments>& a) {
  CLI::App& verb = *command.add_subcommand(name, help);
  verb.add_option("--access", a->folder, "folder of users and certificate (~/.local/state/geoul)");
  return verb;
}

}  // namespace

Command add_user(CLI::App& app) {
  const auto a = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("user", "users, roles and tokens: who may see a running twin and steer it");
  command.require_subcommand(1);
  const auto roles = CLI::IsMember(std::vector<std::string>(access::kRoleNames.begin(), access::kRoleNames.end()));
  const auto named = [&](CLI::App& verb) { verb.add_option("NAME", a->name, "the user")->required(); };
  const auto with_password = [&](CLI::App& verb) {
    verb.add_flag("--password-stdin", a->from_stdin, "read the password from standard input, one line");
  };
  CLI::App& add_verb_app = add_verb(command, "add", "add a user; asks for a password", a);
  named(add_verb_app);
  add_verb_app.add_option("--role", a->role, "view, operate, approve or administer")->required()->check(roles);
  with_password(add_verb_app);
  add_verb(command, "list", "print users and their tokens", a);
  CLI::App& role_app = add_verb(command, "role", "change a user's role", a);
  named(role_app);
  role_app.add_option("ROLE", a->role, "view, operate, approve or administer")->required()->check(roles);
  CLI::App& passwd_app = add_verb(command, "passwd", "change a user's password", a);
  named(passwd_app);
  with_password(passwd_app);
  named(add_verb(command, "remove", "remove a user, with all tokens", a));
  CLI::App& token_app = add_verb(command, "token", "make a token for a program and print it once", a);
  named(token_app);
  token_app.add_option("--role", a->role, "at most the user's own (the user's own)")->check(roles);
  token_app.add_option("--days", a->days, "how long it is good for, up to 3650 (90)")->check(CLI::Range(1e-6, 3650.0));
  token_app.add_option("--label", a->label, "what it is for");
  CLI::App& revoke_app = add_verb(command, "revoke", "revoke a token", a);
  named(revoke_app);
  revoke_app.add_option("ID", a->id, "the token, by the id that 'geoul user list' prints")->required();
  command.footer(
      "Examples:\n"
      "  geoul user add ann --role operate\n"
      "  geoul user token ann --role view --days 30 --label foxglove\n"
      "  geoul user list\n"
      "Roles, each with all before it: view sees, operate steers the twin, approve says yes to what acts on the "
      "plant,\n"
      "administer. See docs/security.md. Exit codes: 0 done, 2 bad input or usage.");
  return [a, &command] {
    const std::vector<std::pair<const char*, Verb>> verbs = {{"add", add},       {"list", list},     {"role", role},
                                                             {"passwd", passwd}, {"remove", remove}, {"token", token},
                                                             {"revoke", revoke}};
    Terminal terminal(false);
    const std::filesystem::path folder =
        a->folder.empty() ? access::UserStore::default_folder() : std::filesystem::path(a->folder);
    if (folder.empty()) {
      terminal.print(
          Error{ErrorCode::kBadInput, "neither XDG_STATE_HOME nor HOME is set; give a folder with --access"});
      return int{kBadUsage};
    }
    for (const auto& [name, verb] : verbs) {
      if (!command.got_subcommand(name)) continue;
      const Result<std::string> done = verb(access::UserStore(folder), *a);
      if (!done) {
        terminal.print(done.error());
        return int{kBadUsage};
      }
      if (!done->empty()) terminal.say(*done);
    }
    return int{kDone};
  };
}

}  // namespace geoul::cli
