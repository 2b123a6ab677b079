#include "server/receive/transport.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"

namespace bits::receive {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// `Stream` is tcp::socket or an ssl::stream over it. It lives as long as anything is under way on it.
template <typename Stream>
struct Held {
  template <typename... Args>
  explicit Held(Args&&... args) : stream(std::forward<Args>(args)...) {}
  Stream stream;
};

template <typename Stream>
class StreamTransport : public Transport {
 public:
  explicit StreamTransport(std::shared_ptr<Held<Stream>> held) : held_(std::move(held)) {
    error_code error;
    const auto peer = socket().remote_endpoint(error);
    if (!error) peer_ = peer.address().to_string();
    socket().set_option(tcp::no_delay(true), error);
  }
  ~StreamTransport() override { Close(); }

  void Read(char* buffer, size_t size, std::function<void(size_t)> done) override {
    held_->stream.async_read_some(
        asio::buffer(buffer, size),
        [held = held_, done = std::move(done)](const error_code& error, size_t n) {
          done(error ? 0 : n);
        });
  }
  void Write(std::string_view data, std::function<void(bool)> done) override {
    asio::async_write(held_->stream, asio::buffer(data.data(), data.size()),
                      [held = held_, done = std::move(done)](const error_code& error,
                                                             size_t) { done(!error); });
  }
  void EndWriting() override {
    error_code ignored;
    socket().shutdown(tcp::socket::shutdown_send, ignored);
  }
  void Close() override {
    error_code ignored;
    socket().close(ignored);
  }
  std::string PeerAddress() const override { return peer_; }

 protected:
  tcp::socket& socket() {
    if constexpr (std::is_same_v<Stream, tcp::socket>) {
      return held_->stream;
    } else {
      return held_->stream.next_layer();
    }
  }
  const std::shared_ptr<Held<Stream>> held_;

 private:
  std::string peer_;
};

class PlainTransport final : public StreamTransport<tcp::socket> {
 public:
  explicit PlainTransport(tcp::socket socket)
      : StreamTransport(std::make_shared<Held<tcp::socket>>(std::move(socket))) {}
  void Handshake(std::function<void(bool)> done) override {
    asio::post(held_->stream.get_executor(), [done = std::move(done)] { done(true); });
  }
  std::string CertificateName() const override { return ""; }
  bool secure() const override { return false; }
};

using TlsStream = asio::ssl::stream<tcp::socket>;

class TlsTransport final : public StreamTransport<TlsStream> {
 public:
  TlsTransport(tcp::socket socket, asio::ssl::context& context)
      : StreamTransport(std::make_shared<Held<TlsStream>>(std::move(socket), context)) {}
  void Handshake(std::function<void(bool)> done) override {
    held_->stream.async_handshake(
        asio::ssl::stream_base::server,
        [held = held_, done = std::move(done)](const error_code& error) { done(!error); });
  }
  std::string CertificateName() const override {
    X509* certificate = SSL_get1_peer_certificate(held_->stream.native_handle());
    if (certificate == nullptr) return "";
    std::array<char, 256> name{};
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                               name.data(), static_cast<int>(name.size()));
    X509_free(certificate);
    return size <= 0 ? "" : std::string(name.data(), static_cast<size_t>(size));
  }
  bool secure() const override { return true; }
};

absl::Status Wrong(std::string_view what, const std::string& file, const error_code& error) {
  return absl::InvalidArgumentError(absl::StrCat("receive: ", std::string(what), " ", file,
                                                 " cannot be used: ", error.message()));
}

absl::StatusOr<std::unique_ptr<asio::ssl::context>> MakeContext(const ListenOptions& options) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  error_code error;
  (void)context->use_certificate_chain_file(options.certificate_file, error);
  if (error) return Wrong("the certificate", options.certificate_file, error);
  (void)context->use_private_key_file(options.key_file, asio::ssl::context::pem, error);
  if (error) return Wrong("the key", options.key_file, error);
  if (options.client_ca_file.empty()) return context;
  (void)context->load_verify_file(options.client_ca_file, error);
  if (error) return Wrong("the clients' authority", options.client_ca_file, error);
  static constexpr unsigned char kSessionContext[] = "bitsd-receive";
  SSL_CTX_set_session_id_context(context->native_handle(), kSessionContext,
                                 sizeof(kSessionContext) - 1);
  (void)context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, error);
  if (error) return Wrong("the clients' authority", options.client_ca_file, error);
  return context;
}

class TcpAcceptor final : public Acceptor {
 public:
  TcpAcceptor(IoLoop& loop, std::unique_ptr<asio::ssl::context> tls)
      : acceptor_(loop.context()), retry_(loop), tls_(std::move(tls)) {}

  absl::Status Open(const ListenOptions& options) {
    error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    uint16_t port = 0;
    const char* const end = options.port.data() + options.port.size();
    const auto [rest, wrong] = std::from_chars(options.port.data(), end, port);
    if (error || wrong != std::errc() || rest != end) {
      return absl::InvalidArgumentError(
          absl::StrCat("receive: no address to listen at: ", options.address, ":", options.port));
    }
    const tcp::endpoint endpoint(address, port);
    (void)acceptor_.open(endpoint.protocol(), error);
    if (!error) (void)acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) (void)acceptor_.bind(endpoint, error);
    if (!error) (void)acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return absl::UnavailableError(absl::StrCat("receive: cannot listen at ", options.address, ":",
                                                 options.port, ": ", error.message()));
    }
    const auto bound = acceptor_.local_endpoint(error);
    const std::string host =
        address.is_v6() ? absl::StrCat("[", options.address, "]") : options.address;
    address_ = absl::StrCat(tls_ == nullptr ? "http://" : "https://", host, ":", bound.port());
    return absl::OkStatus();
  }

  void Accept(std::function<void(std::shared_ptr<Transport>)> accepted) override {
    acceptor_.async_accept([this, accepted = std::move(accepted)](const error_code& error,
                                                                  tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        // No descriptors left, most likely: they come back.
        return retry_.Set(absl::Milliseconds(100), [this, accepted] { Accept(accepted); });
      }
      if (tls_ == nullptr) return accepted(std::make_shared<PlainTransport>(std::move(socket)));
      accepted(std::make_shared<TlsTransport>(std::move(socket), *tls_));
    });
  }
  void Close() override {
    error_code ignored;
    (void)acceptor_.close(ignored);
    retry_.Cancel();
  }
  std::string address() const override { return address_; }

 private:
  tcp::acceptor acceptor_;
  IoTimer retry_;
  const std::unique_ptr<asio::ssl::context> tls_;
  std::string address_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> Listen(IoLoop& loop, const ListenOptions& options) {
  std::unique_ptr<asio::ssl::context> tls;
  if (!options.certificate_file.empty()) {
    auto made = MakeContext(options);
    if (!made.ok()) return made.status();
    tls = *std::move(made);
  }
  auto acceptor = std::make_unique<TcpAcceptor>(loop, std::move(tls));
  absl::Status opened = acceptor->Open(options);
  if (!opened.ok()) return opened;
  return acceptor;
}

std::optional<bool> IsLoopback(const std::string& address) {
  error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  return error ? std::nullopt : std::optional(parsed.is_loopback());
}

}  // namespace bits::receive
