// The server of a job: the studio's files and the live protocol on one port. Internal to the jobs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "geoul/core/result.h"
#include "geoul/runtime/jobs.h"
#include "geoul/runtime/server/server.h"

namespace geoul::runtime {

struct ServeOptions {
  std::string host;
  std::uint16_t port = 8765;
  std::string studio;
  AccessOptions access{};
};

// kUnavailable, with the remedy, where the port is in use; kBadInput where the network would get in unasked.
Result<std::unique_ptr<Server>> start_server(const ServeOptions& serve);

// Lines that say which address to open, how to build the studio where it is missing, who is let in, and the fingerprint
// of the certificate.
void say_where_to_look(const Server& server, const std::string& studio,
                       const std::function<void(const std::string&)>& say);

}  // namespace geoul::runtime
