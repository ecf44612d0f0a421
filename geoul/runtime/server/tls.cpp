// The server's TLS: 1.2 or later, forward secrecy and authenticated encryption only, no renegotiation, no compression.
#include <utility>

#include <boost/asio/ssl/context.hpp>

#include "geoul/runtime/server/session.h"

namespace geoul::runtime {

Result<std::shared_ptr<boost::asio::ssl::context>> make_tls(const access::Certificate& certificate) {
  namespace ssl = boost::asio::ssl;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* raw = context->native_handle();
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  const bool strict = SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) == 1 &&
                      SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
  boost::system::error_code error;
  context->use_certificate_chain(boost::asio::buffer(certificate.pem), error);
  const std::string_view key = certificate.key.reveal();
  if (!error) context->use_private_key(boost::asio::buffer(key.data(), key.size()), ssl::context::pem, error);
  if (!strict || error || SSL_CTX_check_private_key(raw) != 1) {
    return Error{ErrorCode::kBadInput, "the certificate and its key cannot be used for TLS: " + error.message()};
  }
  return context;
}

}  // namespace geoul::runtime
