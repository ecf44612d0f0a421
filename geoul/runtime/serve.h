// The server of a job: the studio's files and the live protocol on one port. Internal to the jobs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "geoul/core/result.h"
#include "geoul/runtime/jobs.h"
#include "geoul/runtime/server/server.h"
#include "geoul/runtime/twin_server.h"

namespace geoul::runtime {

struct ServeOptions {
  std::string host;
  std::uint16_t port = 8765;
  std::string studio;
  AccessOptions access{};
  access::Journal::Listener on_access{};  // who signs in and who is refused; called in the server's threads
};

// kUnavailable, with the remedy, where the port is in use; kBadInput where the network would get in unasked.
Result<std::unique_ptr<Server>> start_server(const ServeOptions& serve);

// What the twin is served as beside: the site's words, and those of the command line in their place.
//   opcua  "4840" or "0.0.0.0:4840"; empty: as the site says
//   ros    "0" or "0@eth0": the domain, and the network where it is not this machine alone; empty: as the site says
Result<TwinServe> twin_serve(const TwinServe& of_site, const std::string& opcua, const std::string& ros);

// The servers of the twin, or null where there are none. kBadInput where OPC UA would be open to the network without
// users. server: whose users may come in. site: null where there is none.
Result<std::unique_ptr<TwinServer>> start_twin_server(const TwinServe& serve, const Twin& twin, const Site* site,
                                                      const Player& player, const Server& server);

// Lines that say which address to open, how to build the studio where it is missing, who is let in, and the fingerprint
// of the certificate.
void say_where_to_look(const Server& server, const std::string& studio,
                       const std::function<void(const std::string&)>& say);

}  // namespace geoul::runtime
