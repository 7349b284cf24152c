#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/c_handle.h"
#include "base/check.h"

namespace salus::http {
namespace {

using BioPtr = CHandle<BIO, BIO_free>;
using X509Ptr = CHandle<X509, X509_free>;
using KeyPtr = CHandle<EVP_PKEY, EVP_PKEY_free>;
using ContextPtr = CHandle<SSL_CTX, SSL_CTX_free>;

// TlsKeyAccess is the one place of this module that sees private keys.
class TlsKeyAccess : private SecretAccessMint {
 public:
  static ByteSpan View(const SecretBytes& key) { return key.view(Mint()); }
};

constexpr std::uint8_t kSessionContext[] = "salus";
constexpr long kSessionSeconds = 3600;
constexpr int kMaxPathLength = 4;

BioPtr ReadOnly(ByteSpan bytes) {
  CHECK(bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

int NoPassphrase(char*, int, int, void*) { return 0; }

Result<std::vector<X509Ptr>> ReadCertificates(std::string_view pem, const char* what) {
  BioPtr bio = ReadOnly(AsBytes(pem));
  std::vector<X509Ptr> out;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr)) {
    out.emplace_back(certificate);
  }
  ERR_clear_error();
  if (out.empty()) return InvalidArgument(std::string(what) + " hold no PEM certificate");
  return out;
}

Result<KeyPtr> ReadKey(const SecretBytes& secret) {
  const ByteSpan bytes = TlsKeyAccess::View(secret);
  KeyPtr key;
  if (AsText(bytes).starts_with("-----BEGIN")) {
    BioPtr bio = ReadOnly(bytes);
    key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  } else {
    const unsigned char* p = bytes.data();
    key.reset(d2i_AutoPrivateKey(nullptr, &p, static_cast<long>(bytes.size())));
  }
  ERR_clear_error();
  if (key == nullptr) {
    return InvalidArgument("the private key is neither PKCS#8 PEM without passphrase nor DER");
  }
  return key;
}

Result<void> UseIdentity(SSL_CTX* context, std::string_view chain_pem, const SecretBytes& secret) {
  TRY(std::vector<X509Ptr> chain, ReadCertificates(chain_pem, "the own certificates"));
  TRY(KeyPtr key, ReadKey(secret));
  if (SSL_CTX_use_certificate(context, chain[0].get()) != 1) {
    ERR_clear_error();
    return InvalidArgument("the own certificate can't be used: its key is too weak or unknown");
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) {
      ERR_clear_error();
      return InvalidArgument("a certificate of the own chain can't be used");
    }
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return InvalidArgument("the private key does not belong to the own certificate");
  }
  return {};
}

Result<void> UseAnchors(SSL_CTX* context, std::string_view pem, int purpose) {
  TRY(std::vector<X509Ptr> anchors, ReadCertificates(pem, "the trusted authorities"));
  const bool has_root = std::any_of(anchors.begin(), anchors.end(), [](const X509Ptr& anchor) {
    return X509_self_signed(anchor.get(), 0) == 1;
  });
  if (!has_root) {
    return InvalidArgument(
        "the trusted authorities hold no root: add the self-signed certificate that the paths end "
        "in");
  }
  X509_STORE* store = X509_STORE_new();
  if (store == nullptr) return Internal("OpenSSL has no memory");
  SSL_CTX_set_cert_store(context, store);
  for (const X509Ptr& anchor : anchors) {
    if (X509_STORE_add_cert(store, anchor.get()) != 1) return Internal("OpenSSL has no memory");
    SSL_CTX_add_client_CA(context, anchor.get());
  }
  X509_VERIFY_PARAM* param = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_purpose(param, purpose);
  X509_VERIFY_PARAM_set_depth(param, kMaxPathLength);
  // Only a self-signed root ends a path: an intermediate among the anchors is no anchor.
  X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

void UseCommonPolicy(SSL_CTX* context) {
  CHECK(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
  CHECK(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1);
  CHECK(SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1);
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

constexpr std::string_view kHttp11 = "\x08http/1.1";
constexpr std::string_view kAcmeTls1 =
    "\x0a"
    "acme-tls/1";
// An extension's list of names: its length in two bytes, then the names.
constexpr std::string_view kAcmeTls1Only = std::string_view(
    "\x00\x0b\x0a"
    "acme-tls/1",
    13);

TlsChannel* ChannelOf(SSL* ssl) { return static_cast<TlsChannel*>(SSL_get_app_data(ssl)); }

int SelectProtocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* in, unsigned in_size, void*) {
  const TlsChannel* channel = ChannelOf(ssl);
  const bool is_challenge = channel != nullptr && channel->is_challenge();
  const ByteSpan ours = AsBytes(is_challenge ? kAcmeTls1 : kHttp11);
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours.data(), static_cast<unsigned>(ours.size()), in,
                            in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::string_view HelloExtension(SSL* ssl, unsigned type) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, type, &bytes, &size) != 1) return {};
  return AsText({bytes, size});
}

// HelloName is the only host_name of the server_name extension. Source: RFC 6066 section 3.
std::string_view HelloName(SSL* ssl) {
  constexpr std::size_t kHeader = 5;  // length of the list, type, length of the name
  const std::string_view list = HelloExtension(ssl, TLSEXT_TYPE_server_name);
  if (list.size() <= kHeader || list[2] != TLSEXT_NAMETYPE_host_name) return {};
  const auto high = static_cast<unsigned char>(list[3]);
  const auto low = static_cast<unsigned char>(list[4]);
  const std::string_view name = list.substr(kHeader);
  return name.size() == (std::size_t{high} << 8 | low) ? name : std::string_view();
}

// The BIO of all channels: its data is the thread's TlsBuffers.
TlsBuffers& BuffersOf(BIO* bio) { return *static_cast<TlsBuffers*>(BIO_get_data(bio)); }

int BioRead(BIO* bio, char* out, std::size_t size, std::size_t* read) {
  TlsBuffers& buffers = BuffersOf(bio);
  BIO_clear_retry_flags(bio);
  const std::size_t n = std::min(size, buffers.in.size());
  *read = n;
  if (n == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(out, buffers.in.data(), n);
  buffers.in = buffers.in.subspan(n);
  return 1;
}

int BioWrite(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  Append(BuffersOf(bio).out, AsBytes({data, size}));
  *written = size;
  return 1;
}

long BioControl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int BioCreate(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* BufferBioMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "salus buffers");
    CHECK(m != nullptr);
    BIO_meth_set_read_ex(m, BioRead);
    BIO_meth_set_write_ex(m, BioWrite);
    BIO_meth_set_ctrl(m, BioControl);
    BIO_meth_set_create(m, BioCreate);
    return m;
  }();
  return method;
}

Bytes DerOf(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  CHECK(size > 0);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

constexpr std::string_view kExpired = "it has expired";

// Why the last call failed, when that was the client's certificate; else empty.
std::string_view RefusalOf(const SSL* ssl) {
  const unsigned long error = ERR_peek_error();
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return {};
  if (ERR_GET_REASON(error) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) return "none was shown";
  if (ERR_GET_REASON(error) != SSL_R_CERTIFICATE_VERIFY_FAILED) return {};
  switch (SSL_get_verify_result(ssl)) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return kExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "it is not yet valid";
    case X509_V_ERR_INVALID_PURPOSE:
      return "it is not for TLS clients";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "its authority is unknown here";
    default:
      return "it does not hold";
  }
}

// CheckLeaf takes the place of a path: a certificate with the expected fingerprint, or any where
// expected is null. Its dates hold all the same.
int CheckLeaf(X509_STORE_CTX* path, void* expected) {
  X509* const leaf = X509_STORE_CTX_get0_cert(path);
  int wrong = X509_V_OK;
  if (X509_cmp_current_time(X509_get0_notBefore(leaf)) >= 0) wrong = X509_V_ERR_CERT_NOT_YET_VALID;
  if (X509_cmp_current_time(X509_get0_notAfter(leaf)) <= 0) wrong = X509_V_ERR_CERT_HAS_EXPIRED;
  const auto* const fingerprint = static_cast<const CertificateFingerprint*>(expected);
  if (fingerprint != nullptr && Sha256OfCertificate(DerOf(leaf)) != *fingerprint) {
    wrong = X509_V_ERR_CERT_REJECTED;
  }
  X509_STORE_CTX_set_error(path, wrong);
  return wrong == X509_V_OK ? 1 : 0;
}

}  // namespace

CertificateFingerprint Sha256OfCertificate(ByteSpan der) {
  CertificateFingerprint out;
  CHECK(EVP_Q_digest(nullptr, "SHA256", nullptr, der.data(), der.size(), out.data(), nullptr) == 1);
  return out;
}

// TlsHello looks at a client's first message before a certificate is chosen, and at what it wants
// beside that.
struct TlsHello {
  static int OnHello(SSL* ssl, int* alert, void*) {
    TlsChannel* channel = ChannelOf(ssl);
    if (HelloExtension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation) != kAcmeTls1Only) {
      return SSL_CLIENT_HELLO_SUCCESS;
    }
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    const auto identity = channel->context_->challenge()(HelloName(ssl));
    if (!identity || !Show(ssl, *identity)) return SSL_CLIENT_HELLO_ERROR;
    channel->is_challenge_ = true;
    return SSL_CLIENT_HELLO_SUCCESS;
  }

  // OnStatus is asked when the client asks for the state of the certificate that it is shown.
  static int OnStatus(SSL* ssl, void*) {
    const TlsChannel* const channel = ChannelOf(ssl);
    if (channel->is_challenge()) return SSL_TLSEXT_ERR_NOACK;
    const std::string response = channel->context_->stapled_status()();
    if (response.empty()) return SSL_TLSEXT_ERR_NOACK;
    void* const copy = OPENSSL_memdup(response.data(), response.size());
    if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
    // The connection owns the copy.
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response.size()));
    return SSL_TLSEXT_ERR_OK;
  }

  static bool Show(SSL* ssl, const ServerIdentity& identity) {
    const auto chain = ReadCertificates(identity.certificate_chain_pem, "a challenge");
    const auto key = ReadKey(identity.private_key_pem);
    // Whoever looks at a challenge has no certificate of ours.
    SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
    return chain && key && SSL_use_certificate(ssl, chain->front().get()) == 1 &&
           SSL_use_PrivateKey(ssl, key->get()) == 1;
  }
};

Result<std::shared_ptr<TlsContext>> TlsContext::ForServer(const TlsServerOptions& options,
                                                          std::size_t max_sessions) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return Internal("OpenSSL has no memory");
  SSL_CTX* c = context.get();
  UseCommonPolicy(c);
  if (options.allow_tls12) {
    CHECK(SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1);
    CHECK(SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
    SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  }
  TRY_VOID(UseIdentity(c, options.certificate_chain_pem, options.private_key_pem));
  if (options.client_certificate == ClientCertificate::kByFingerprint) {
    SSL_CTX_set_cert_verify_callback(c, CheckLeaf, nullptr);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  } else if (options.client_certificate != ClientCertificate::kNone) {
    TRY_VOID(UseAnchors(c, options.client_authorities_pem, X509_PURPOSE_SSL_CLIENT));
    const int fail = options.client_certificate == ClientCertificate::kRequired
                         ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                         : 0;
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | fail, nullptr);
  }
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_id_context(c, kSessionContext, sizeof kSessionContext);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(c, static_cast<long>(max_sessions));
  SSL_CTX_set_timeout(c, kSessionSeconds);
  SSL_CTX_set_num_tickets(c, 1);
  SSL_CTX_set_alpn_select_cb(c, SelectProtocol, nullptr);
  if (options.challenge) SSL_CTX_set_client_hello_cb(c, TlsHello::OnHello, nullptr);
  if (options.stapled_status) {
    // What SSL_CTX_set_tlsext_status_cb is, without its cast in C's style.
    SSL_CTX_callback_ctrl(c, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
                          reinterpret_cast<void (*)()>(TlsHello::OnStatus));
  }
  return std::shared_ptr<TlsContext>(new TlsContext(context.release(), options));
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

void TlsContext::ForgetSessions() {
  SSL_CTX_flush_sessions(context_, 0);  // 0: all, whatever their age
}

Result<void> ConfigureClient(SSL_CTX* context, const ClientOptions& options) {
  UseCommonPolicy(context);
  if (options.server_fingerprint) {
    if (!options.trust_anchors_pem.empty()) {
      return InvalidArgument("a server is known by authorities or by its fingerprint, not by both");
    }
    SSL_CTX_set_cert_verify_callback(
        context, CheckLeaf, const_cast<CertificateFingerprint*>(&*options.server_fingerprint));
  } else {
    TRY_VOID(UseAnchors(context, options.trust_anchors_pem, X509_PURPOSE_SSL_SERVER));
  }
  if (!options.certificate_chain_pem.empty()) {
    TRY_VOID(UseIdentity(context, options.certificate_chain_pem, options.private_key));
  }
  return {};
}

void CollectPeerChain(SSL_CTX* context, std::vector<Bytes>& chain) {
  SSL_CTX_set_cert_verify_callback(
      context,
      [](X509_STORE_CTX* path, void* user) {
        auto& out = *static_cast<std::vector<Bytes>*>(user);
        out.clear();
        STACK_OF(X509)* shown = X509_STORE_CTX_get0_untrusted(path);
        for (int i = 0; i < sk_X509_num(shown); ++i) out.push_back(DerOf(sk_X509_value(shown, i)));
        return 1;
      },
      &chain);
}

TlsChannel::TlsChannel(std::shared_ptr<TlsContext> context, SSL* ssl)
    : context_(std::move(context)), ssl_(ssl) {
  SSL_set_app_data(ssl_, this);
}

TlsChannel::~TlsChannel() {
  // A connection that ends without a goodbye would take its session out of the table. TLS 1.3 has
  // no need for that, and clients often just close. After a fatal error OpenSSL has done it.
  if (!failed_) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

Result<std::unique_ptr<TlsChannel>> TlsChannel::Accept(std::shared_ptr<TlsContext> context,
                                                       TlsBuffers& buffers) {
  SSL* ssl = SSL_new(context->get());
  BIO* bio = BIO_new(BufferBioMethod());
  if (ssl == nullptr || bio == nullptr) {
    SSL_free(ssl);
    BIO_free(bio);
    return Internal("OpenSSL has no memory");
  }
  BIO_set_data(bio, &buffers);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  return std::unique_ptr<TlsChannel>(new TlsChannel(std::move(context), ssl));
}

TlsChannel::Outcome TlsChannel::OutcomeOf(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Outcome::kNeedInput;
    case SSL_ERROR_ZERO_RETURN:
      return Outcome::kClosed;
    default:
      // The queue is per thread: an error left there would be blamed on the next connection.
      ERR_clear_error();
      failed_ = true;
      return Outcome::kFailed;
  }
}

TlsChannel::Outcome TlsChannel::Handshake() {
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return Outcome::kDone;
  const std::string_view refused = RefusalOf(ssl_);
  const Outcome outcome = OutcomeOf(result);
  context_->TellRefused(refused);
  return outcome;
}

TlsChannel::Outcome TlsChannel::Read(MutableByteSpan out, std::size_t& size) {
  size = 0;
  while (size < out.size()) {
    std::size_t n = 0;
    const int result = SSL_read_ex(ssl_, out.data() + size, out.size() - size, &n);
    if (result != 1) return OutcomeOf(result);
    size += n;
  }
  return Outcome::kDone;
}

TlsChannel::Outcome TlsChannel::Write(ByteSpan bytes) {
  std::size_t n = 0;
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n);
  return result == 1 ? Outcome::kDone : OutcomeOf(result);
}

void TlsChannel::CloseNotify() {
  if (SSL_is_init_finished(ssl_)) SSL_shutdown(ssl_);
  ERR_clear_error();
}

bool TlsChannel::is_challenge() const { return is_challenge_; }

std::string_view TlsChannel::version() const { return SSL_get_version(ssl_); }

bool TlsChannel::resumed() const { return SSL_session_reused(ssl_) == 1; }

std::shared_ptr<PeerCertificate> TlsChannel::Peer() const {
  X509* leaf = SSL_get0_peer_certificate(ssl_);
  if (leaf == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return nullptr;
  // A resumed session was verified at its first handshake; only its dates can have changed here.
  if (X509_cmp_current_time(X509_get0_notAfter(leaf)) <= 0) {
    context_->TellRefused(kExpired);
    return nullptr;
  }
  auto peer = std::make_shared<PeerCertificate>();
  peer->leaf_der = DerOf(leaf);
  peer->fingerprint = Sha256OfCertificate(peer->leaf_der);
  peer->resumed = resumed();
  if (STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl_)) {
    for (int i = 1; i < sk_X509_num(chain); ++i)
      peer->chain_der.push_back(DerOf(sk_X509_value(chain, i)));
  } else if (STACK_OF(X509)* shown = SSL_get_peer_cert_chain(ssl_)) {
    for (int i = 0; i < sk_X509_num(shown); ++i)
      peer->chain_der.push_back(DerOf(sk_X509_value(shown, i)));
  }
  return peer;
}

}  // namespace salus::http
