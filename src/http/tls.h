// TlsChannel is TLS over memory: OpenSSL reads from and writes to buffers that all connections of a
// thread share, so that an idle connection holds none.
//
// Source: RFC 8446, RFC 5246 where a listener allows it, RFC 7301, RFC 8737.
// Shape:  records of at most 16 KiB.
// Errors: as Outcome; what was wrong with a peer's bytes is told to the peer only, by an alert.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "http/client.h"
#include "http/exchange.h"
#include "http/server.h"

struct ssl_st;
struct ssl_ctx_st;

namespace salus::http {

// TlsBuffers is where the ciphertext of one thread passes through. in is set before a call that
// reads; out is sent, or set aside, after every call.
struct TlsBuffers {
  ByteSpan in;
  Bytes out;
};

// TlsContext is what all connections of a listener, or of a client, have in common.
//
// Source: RFC 8446. TLS 1.3, and 1.2 where asked for; no early data; no tickets: sessions are
// resumed from a bounded
//         table in memory, because OpenSSL 3.0 makes tickets with client certificates slower than
//         a full handshake.
// Threads: safe.
class TlsContext {
 public:
  // Errors: InvalidArgument, naming the part that can't be read or doesn't fit.
  static Result<std::shared_ptr<TlsContext>> ForServer(const TlsServerOptions& options,
                                                       std::size_t max_sessions);
  ~TlsContext();
  void ForgetSessions();
  ssl_ctx_st* get() const { return context_; }
  const ChallengeCertificate& challenge() const { return challenge_; }
  const StapledStatus& stapled_status() const { return stapled_status_; }
  // TellRefused passes on why a client was refused; nothing when reason is empty.
  void TellRefused(std::string_view reason) const {
    if (refused_ && !reason.empty()) refused_(reason);
  }

 private:
  TlsContext(ssl_ctx_st* context, const TlsServerOptions& options)
      : context_(context),
        challenge_(options.challenge),
        refused_(options.client_refused),
        stapled_status_(options.stapled_status) {}
  ssl_ctx_st* const context_;
  const ChallengeCertificate challenge_;
  const ClientRefused refused_;
  const StapledStatus stapled_status_;
};

// ConfigureClient puts identity and anchors of options into a context made by someone else
// (libcurl).
Result<void> ConfigureClient(ssl_ctx_st* context, const ClientOptions& options);

// CollectPeerChain makes a client's context accept every server, and note in chain what it shows,
// leaf first, as DER. Only for FetchPeerChain, which sends nothing.
void CollectPeerChain(ssl_ctx_st* context, std::vector<Bytes>& chain);

// Sha256OfCertificate fingerprints DER.
CertificateFingerprint Sha256OfCertificate(ByteSpan der);

// TlsChannel is the server side of one connection.
class TlsChannel {
 public:
  // Errors: Internal: OpenSSL has no memory.
  static Result<std::unique_ptr<TlsChannel>> Accept(std::shared_ptr<TlsContext> context,
                                                    TlsBuffers& buffers);
  ~TlsChannel();

  enum class Outcome { kDone, kNeedInput, kClosed, kFailed };

  Outcome Handshake();
  // Read puts decrypted bytes into out; size says how many, also when it then needs input.
  Outcome Read(MutableByteSpan out, std::size_t& size);
  // Write encrypts all of bytes into the thread's buffer.
  Outcome Write(ByteSpan bytes);
  // CloseNotify says goodbye.
  void CloseNotify();

  bool resumed() const;
  // is_challenge: the client came for a challenge's certificate, and for nothing else.
  bool is_challenge() const;
  // version is "TLSv1.3" or "TLSv1.2".
  std::string_view version() const;
  // Peer is the verified client certificate, nullptr when none was shown or, in a resumed session,
  // its dates are over.
  std::shared_ptr<PeerCertificate> Peer() const;

 private:
  TlsChannel(std::shared_ptr<TlsContext> context, ssl_st* ssl);
  Outcome OutcomeOf(int result);

  const std::shared_ptr<TlsContext> context_;
  ssl_st* const ssl_;
  bool failed_ = false;
  bool is_challenge_ = false;
  friend struct TlsHello;
};

}  // namespace salus::http
