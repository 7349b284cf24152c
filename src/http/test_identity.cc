#include "http/test_identity.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <fstream>

#include "base/check.h"
#include "http/tls.h"

namespace salus::http {
namespace {

EVP_PKEY* NewKey() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  CHECK(key != nullptr);
  return key;
}

std::string PemOf(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  CHECK(PEM_write_bio_X509(bio, certificate) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

Bytes DerOf(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  CHECK(size > 0);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

void AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  CHECK(extension != nullptr);
  CHECK(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

X509* NewCertificate(const char* name, EVP_PKEY* key, std::chrono::seconds valid_for) {
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  static std::atomic<long> serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
  X509_gmtime_adj(X509_getm_notAfter(certificate), static_cast<long>(valid_for.count()));
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return certificate;
}

}  // namespace

struct TestAuthority::State {
  EVP_PKEY* key = NewKey();
  X509* root = nullptr;
};

TestAuthority::TestAuthority(const std::string& name) : state_(std::make_unique<State>()) {
  X509* root = NewCertificate(name.c_str(), state_->key, std::chrono::hours(24));
  X509_set_issuer_name(root, X509_get_subject_name(root));
  AddExtension(root, root, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(root, root, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(root, root, NID_subject_key_identifier, "hash");
  CHECK(X509_sign(root, state_->key, EVP_sha256()) > 0);
  state_->root = root;
  root_pem_ = PemOf(root);
  root_der_ = DerOf(root);
}

TestAuthority::~TestAuthority() {
  X509_free(state_->root);
  EVP_PKEY_free(state_->key);
}

TestIdentity TestAuthority::Issue(const char* name, const char* usage,
                                  const char* subject_alternative,
                                  std::chrono::seconds valid_for) const {
  EVP_PKEY* key = NewKey();
  X509* leaf = NewCertificate(name, key, valid_for);
  X509_set_issuer_name(leaf, X509_get_subject_name(state_->root));
  AddExtension(leaf, state_->root, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(leaf, state_->root, NID_key_usage, "critical,digitalSignature");
  AddExtension(leaf, state_->root, NID_ext_key_usage, usage);
  AddExtension(leaf, state_->root, NID_subject_key_identifier, "hash");
  AddExtension(leaf, state_->root, NID_authority_key_identifier, "keyid");
  AddExtension(leaf, state_->root, NID_subject_alt_name, subject_alternative);
  CHECK(X509_sign(leaf, state_->key, EVP_sha256()) > 0);
  TestIdentity out;
  out.chain_pem = PemOf(leaf) + root_pem_;
  out.leaf_der = DerOf(leaf);
  unsigned char* der = nullptr;
  const int size = i2d_PrivateKey(key, &der);
  CHECK(size > 0);
  out.key_der.assign(der, der + size);
  OPENSSL_free(der);
  X509_free(leaf);
  EVP_PKEY_free(key);
  return out;
}

TestIdentity TestAuthority::IssueServer() const {
  return Issue("server", "serverAuth", "IP:127.0.0.1,DNS:localhost", std::chrono::hours(1));
}
TestIdentity TestAuthority::IssueClient(std::chrono::seconds valid_for) const {
  return Issue("client", "clientAuth", "URI:urn:example:client", valid_for);
}

struct RawConnection::State {
  int fd = -1;
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
  std::string buffer;

  ~State() {
    SSL_free(ssl);
    SSL_CTX_free(context);
    if (fd >= 0) close(fd);
  }
};

RawConnection::RawConnection(std::unique_ptr<State> state) : state_(std::move(state)) {}
RawConnection::~RawConnection() = default;

std::unique_ptr<RawConnection> RawConnection::Plain(std::uint16_t port) {
  auto state = std::make_unique<State>();
  state->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{20, 0};
  setsockopt(state->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(state->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(state->fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return nullptr;
  return std::unique_ptr<RawConnection>(new RawConnection(std::move(state)));
}

std::unique_ptr<RawConnection> RawConnection::Tls(std::uint16_t port, const std::string& root_pem,
                                                  const TestIdentity* identity,
                                                  const Bytes& session) {
  auto out = Plain(port);
  if (out == nullptr) return nullptr;
  State& state = *out->state_;
  signal(SIGPIPE, SIG_IGN);  // OpenSSL's own sockets do not suppress it
  state.context = SSL_CTX_new(TLS_client_method());
  ClientOptions options;
  options.trust_anchors_pem = root_pem;
  if (identity != nullptr) {
    options.certificate_chain_pem = identity->chain_pem;
    options.private_key = identity->key();
  }
  CHECK(ConfigureClient(state.context, options));
  SSL_CTX_set_verify(state.context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_clear_options(state.context, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(state.context, SSL_SESS_CACHE_CLIENT);
  state.ssl = SSL_new(state.context);
  SSL_set_fd(state.ssl, state.fd);
  SSL_set_tlsext_status_type(state.ssl, TLSEXT_STATUSTYPE_ocsp);
  if (!session.empty()) {
    const unsigned char* p = session.data();
    SSL_SESSION* old = d2i_SSL_SESSION(nullptr, &p, static_cast<long>(session.size()));
    CHECK(old != nullptr);
    SSL_set_session(state.ssl, old);
    SSL_SESSION_free(old);
  }
  if (SSL_connect(state.ssl) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return out;
}

bool RawConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n;
    if (state_->ssl != nullptr) {
      n = SSL_write(state_->ssl, bytes.data(),
                    static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
      ERR_clear_error();
    } else {
      n = send(state_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string RawConnection::ReadSome() {
  if (!state_->buffer.empty()) return std::exchange(state_->buffer, {});
  char data[16384];
  ssize_t n;
  if (state_->ssl != nullptr) {
    n = SSL_read(state_->ssl, data, sizeof data);
    ERR_clear_error();
  } else {
    n = recv(state_->fd, data, sizeof data, 0);
  }
  return n > 0 ? std::string(data, static_cast<std::size_t>(n)) : std::string();
}

std::string RawConnection::ReadToEnd() {
  std::string out;
  while (true) {
    const std::string more = ReadSome();
    if (more.empty()) return out;
    out += more;
  }
}

std::string RawConnection::ReadResponse() {
  std::string text;
  std::size_t head_end = std::string::npos;
  std::size_t want = std::string::npos;
  while (true) {
    if (head_end == std::string::npos) {
      head_end = text.find("\r\n\r\n");
      if (head_end != std::string::npos) {
        const std::size_t at = text.find("Content-Length: ");
        if (at < head_end) {
          want = head_end + 4 + std::strtoul(text.c_str() + at + 16, nullptr, 10);
        } else if (text.find("Transfer-Encoding: chunked") > head_end) {
          want = head_end + 4;
        }
      }
    }
    if (head_end != std::string::npos && want == std::string::npos) {
      const std::size_t last = text.find("\r\n0\r\n\r\n", head_end);
      if (last != std::string::npos) want = last + 7;
    }
    if (want != std::string::npos && text.size() >= want) {
      state_->buffer = text.substr(want);
      text.resize(want);
      return text;
    }
    const std::string more = ReadSome();
    if (more.empty()) return {};
    text += more;
  }
}

Bytes RawConnection::TakeSession() {
  SSL_SESSION* session = SSL_get1_session(state_->ssl);
  CHECK(session != nullptr);
  unsigned char* der = nullptr;
  const int size = i2d_SSL_SESSION(session, &der);
  CHECK(size > 0);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  SSL_SESSION_free(session);
  return out;
}

bool RawConnection::resumed() const { return SSL_session_reused(state_->ssl) == 1; }
std::string RawConnection::stapled_status() const {
  const unsigned char* response = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(state_->ssl, &response);
  if (size <= 0) return {};
  return {reinterpret_cast<const char*>(response), static_cast<std::size_t>(size)};
}
int RawConnection::fd() const { return state_->fd; }
ssl_st* RawConnection::ssl() const { return state_->ssl; }

int StatusOf(std::string_view response) {
  if (!response.starts_with("HTTP/1.1 ") || response.size() < 12) return 0;
  int status = 0;
  std::from_chars(response.data() + 9, response.data() + 12, status);
  return status;
}

std::string BodyOf(std::string_view response) {
  const std::size_t end = response.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string() : std::string(response.substr(end + 4));
}

std::size_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace salus::http
