// Why a connection fails, by trying its steps: the client library only says that it does.
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "geoul/link/mqtt/mqtt_client.h"

namespace geoul::link {
namespace {

constexpr int kConnectMs = 1000, kAlertMs = 400;

struct Socket {
  int fd = -1;
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
};

std::string open_socket(const MqttUrl& url, Socket& out) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  const std::string port = std::to_string(url.port);
  if (const int code = ::getaddrinfo(url.host.c_str(), port.c_str(), &hints, &found); code != 0) {
    return "the host '" + url.host + "' is unknown (" + ::gai_strerror(code) + "); mend the url or this machine's DNS";
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  std::string problem;
  for (const addrinfo* at = list.get(); at != nullptr; at = at->ai_next) {
    Socket s{::socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol)};
    if (s.fd < 0) continue;
    int error = 0;
    if (::connect(s.fd, at->ai_addr, at->ai_addrlen) != 0) {
      error = errno;
      if (error == EINPROGRESS) {
        pollfd poll{s.fd, POLLOUT, 0};
        socklen_t size = sizeof error;
        if (::poll(&poll, 1, kConnectMs) == 0)
          error = ETIMEDOUT;
        else
          ::getsockopt(s.fd, SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    if (error == 0) {
      std::swap(out.fd, s.fd);
      return "";
    }
    problem = error == ECONNREFUSED ? "nothing listens there; start the broker, or mend host and port"
              : error == ETIMEDOUT  ? "no answer; is the machine on, and does a firewall let port " + port + " through?"
                                    : std::string(std::strerror(error)) + "; check the network and the url";
  }
  return problem.empty() ? "the host has no address that this machine can use" : problem;
}

std::string time_of(const ASN1_TIME* time) {
  tm when{};
  if (ASN1_TIME_to_tm(time, &when) != 1) return "an unknown time";
  char text[80];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d UTC", when.tm_year + 1900, when.tm_mon + 1, when.tm_mday,
                when.tm_hour, when.tm_min);
  return text;
}

// The end of the certificate that was found wrong: the handshake does not keep it.
int remember_end(int is_right, X509_STORE_CTX* store) {
  if (is_right == 1) return 1;
  const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* end = static_cast<std::string*>(SSL_get_app_data(ssl));
  if (const X509* wrong = X509_STORE_CTX_get_current_cert(store)) *end = time_of(X509_get0_notAfter(wrong));
  return is_right;
}

// The verdict on the broker's certificate.
std::string explain_verdict(long verdict, const std::string& end, const MqttConnection& c, const MqttUrl& url) {
  const std::string trusted = c.ca_file.empty() ? "this machine's authorities" : c.ca_file;
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the broker's certificate has expired on " + end + "; it must be renewed there";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the broker's certificate is not valid yet; compare the clocks of both machines";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the broker's certificate is for another name than '" + url.host + "'; write the name that it holds";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "the broker's certificate is not signed by " + trusted + "; give the authority that signed it as ca_file";
    default:
      return std::string("the broker's certificate is refused: ") + X509_verify_cert_error_string(verdict) +
             "; compare it with " + trusted;
  }
}

// What the peer, or our own library, said last.
std::string explain_error(unsigned long error, bool has_certificate) {
  const int reason = ERR_GET_REASON(error);
  const std::string words = ERR_reason_error_string(error) != nullptr ? ERR_reason_error_string(error) : "";
  constexpr const char* kGive = "give certificate_file and key_file";
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED: return std::string("the broker wants a client certificate; ") + kGive;
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return has_certificate
                 ? "the broker refuses the handshake; compare the TLS versions of both sides"
                 : std::string("the broker refuses the handshake; if it wants a client certificate, ") + kGive;
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "the broker does not trust who signed the client's certificate; have it signed by the broker's authority";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED: return "the client's certificate has expired; renew certificate_file";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return "the broker refuses the client's certificate (" + words + "); give one that it accepts";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNEXPECTED_MESSAGE: return "the port speaks no TLS; write mqtt://, or the broker's TLS port";
    default: return words.empty() ? "" : "TLS fails: " + words + "; compare the TLS settings of both sides";
  }
}

// Waits until the socket is ready for what the TLS library wants.
bool wait_for(SSL* ssl, int result, int fd, int patience_ms) {
  const int wanted = SSL_get_error(ssl, result);
  if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) return false;
  pollfd poll{fd, static_cast<short>(wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
  return ::poll(&poll, 1, patience_ms) > 0;
}

std::string load_files(SSL_CTX* context, const MqttConnection& c) {
  const auto bad = [](const std::string& file, const char* what) {
    return file + " holds no " + what + " in PEM form";
  };
  if (c.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, c.ca_file.c_str(), nullptr) != 1) {
    return bad(c.ca_file, "certificate");
  }
  if (c.certificate_file.empty()) return "";
  if (SSL_CTX_use_certificate_chain_file(context, c.certificate_file.c_str()) != 1) {
    return bad(c.certificate_file, "certificate");
  }
  if (SSL_CTX_use_PrivateKey_file(context, c.key_file.c_str(), SSL_FILETYPE_PEM) == 1) return "";
  const bool differs = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
  return differs ? c.key_file + " is not the key of " + c.certificate_file + "; give the pair that belongs together"
                 : bad(c.key_file, "private key without pass phrase");
}

std::string explain_tls(const MqttConnection& c, const MqttUrl& url, int fd) {
  ERR_clear_error();
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (!context) return "";
  if (std::string problem = load_files(context.get(), c); !problem.empty()) return problem;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, remember_end);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
  if (!ssl) return "";
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), url.host.c_str()) != 1) {
    SSL_set1_host(ssl.get(), url.host.c_str());
    SSL_set_tlsext_host_name(ssl.get(), url.host.c_str());
  }
  std::string end = "an unknown date";
  SSL_set_app_data(ssl.get(), &end);
  SSL_set_fd(ssl.get(), fd);
  ERR_clear_error();
  int result = SSL_connect(ssl.get());
  while (result != 1 && wait_for(ssl.get(), result, fd, kConnectMs)) {
    ERR_clear_error();
    result = SSL_connect(ssl.get());
  }
  if (const long verdict = SSL_get_verify_result(ssl.get()); verdict != X509_V_OK) {
    return explain_verdict(verdict, end, c, url);
  }
  if (result == 1) {  // TLS 1.3: the broker judges our certificate after the handshake
    char byte = 0;
    ERR_clear_error();
    result = SSL_read(ssl.get(), &byte, 1);
    while (result <= 0 && wait_for(ssl.get(), result, fd, kAlertMs)) {
      ERR_clear_error();
      result = SSL_read(ssl.get(), &byte, 1);
    }
  }
  return explain_error(ERR_peek_last_error(), !c.certificate_file.empty());
}

}  // namespace

std::string explain_failure(const MqttConnection& connection) {
  const auto url = parse_mqtt_url(connection.url);
  if (!url) return url.error().message;
  Socket socket;
  if (std::string problem = open_socket(*url, socket); !problem.empty()) return problem;
  return url->tls ? explain_tls(connection, *url, socket.fd) : "";
}

}  // namespace geoul::link
