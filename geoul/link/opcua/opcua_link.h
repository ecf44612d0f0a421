// OPC UA client: one plant's server as a Link, and what OPC UA has beyond a Link: methods, events, history. The
// protocol itself is spoken by node-opcua in a process of its own (gateway.h); docs/notes/link_opcua.md says why.
//
// Names of signals: a node id ("ns=2;s=Robot.Joint1", "nsu=http://maker.com/arm;s=Joint1") or a path of browse names
// from Objects, each with its namespace by index or URI
// ("Objects/2:Robot/{http://maker.com/arm}Axis1/2:ActualPosition"); '&' takes the next character literally. "NAME[3]"
// is the fourth element of an array. Quality follows the status code's severity; the overflow bit of a server's queue
// counts as one lost update.
//
// Security: unless `security` says otherwise, messages are signed and encrypted. Our certificate is made at the first
// use, in the state folder. A server whose certificate is not trusted is not talked to: the problem shows the
// certificate's thumbprint and the file to move (or trust_opcua_certificate). Expired certificates are refused. A
// password is never sent in clear text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/link/link.h"

namespace geoul::link {

enum class OpcuaSecurity : std::uint8_t { kNone, kSign, kSignAndEncrypt };
enum class OpcuaPolicy : std::uint8_t { kBasic256Sha256, kAes128Sha256RsaOaep, kAes256Sha256RsaPss };

struct OpcuaOptions {
  std::string url = {};  // "opc.tcp://cell7:4840"
  OpcuaSecurity security = OpcuaSecurity::kSignAndEncrypt;
  OpcuaPolicy policy = OpcuaPolicy::kBasic256Sha256;  // where security is not kNone
  std::string user = {}, password = {};               // empty user: anonymous
  Duration publishing_interval{100'000'000};          // how often the server sends what it has gathered
  Duration sampling_interval{10'000'000};             // how often it looks at each signal
  std::uint32_t queue_size = 100;                     // values a signal that it keeps between two sendings
  std::vector<std::string> events = {};               // objects whose events are wanted, named like signals ("i=2253")
  std::string state_folder = {};                      // certificates; empty: $XDG_STATE_HOME/geoul/opcua
  std::string gateway_folder = {};                    // empty: as gateway.h says
  std::function<void(std::string_view)> log = {};     // lines that the gateway prints; from a thread of the link
};

struct OpcuaEvent {
  std::string from;  // the name in OpcuaOptions::events
  std::string source, type, message;
  int severity = 0;  // 1 to 1000
  Time source_time;  // on the clock of the server; the receive time where it gives none
  Time receive_time;
};

// Values of the past; `whole` is false where the plant has more than were asked for.
struct OpcuaHistory {
  struct Entry {
    Time time;
    Quality quality = Quality::kBad;
    bool has_value = false;
    Value value;
  };
  std::vector<Entry> entries;  // as the server orders them: oldest first
  bool whole = true;
};

class OpcuaLink : public Link {
 public:
  // Calls a method and waits for its results. `object` is named like a signal, `method` by node id or by a path of
  // browse names below the object ("2:Reset"). kNotFound, kBadInput (number or type of arguments), kUnavailable.
  virtual Result<std::vector<Value>> call(const std::string& object, const std::string& method,
                                          const std::vector<Value>& arguments, Duration patience) = 0;
  // Values of a signal with source times in [from, to), at most `limit`. kUnsupported where the plant keeps no history.
  virtual Result<OpcuaHistory> history(const std::string& name, Time from, Time to, std::size_t limit,
                                       Duration patience) = 0;
  // Appends what came since the last call; beyond kMaxEvents the oldest go, and count as dropped in the health.
  virtual void take_events(std::vector<OpcuaEvent>& events) = 0;
  // Process id of the gateway while it runs; 0 else.
  virtual std::int64_t gateway_pid() const = 0;

  static constexpr std::size_t kMaxEvents = 10'000;
};

// Needs a url, and intervals above zero.
std::unique_ptr<OpcuaLink> make_opcua_link(LinkOptions link, OpcuaOptions options);

// $XDG_STATE_HOME/geoul/opcua, or ~/.local/state/geoul/opcua; empty where neither is set.
std::string default_opcua_state_folder();

// Trusts a certificate that came and was not known: moves it from rejected/ to trusted/certs/ below state_folder/client
// (a plant's server) or state_folder/server (a client of the twin's server). `thumbprint`: 40 hexadecimal digits, in
// either case, colons allowed. Returns the file. kBadInput, kNotFound, kUnavailable (cannot be moved).
Result<std::string> trust_opcua_certificate(const std::string& state_folder, const std::string& thumbprint);

}  // namespace geoul::link
