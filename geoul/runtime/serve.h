// The server of a job: the studio's files and the live protocol on one port. Internal to the jobs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "geoul/core/result.h"
#include "geoul/runtime/server/server.h"

namespace geoul::runtime {

// kUnavailable, with the remedy, where the port is in use.
Result<std::unique_ptr<Server>> start_server(const std::string& host, std::uint16_t port, const std::string& studio);

// Lines that say which address to open, and how to build the studio where it is missing.
void say_where_to_look(const Server& server, const std::string& studio,
                       const std::function<void(const std::string&)>& say);

}  // namespace geoul::runtime
