#include "apps/salus/peer_link.h"

#include <thread>

#include "crypto/pkcs8.h"

namespace salus::cli {

namespace {

using aggregate::PeerParty;

constexpr std::chrono::milliseconds kPause{500};
constexpr std::size_t kMaxBoardBytes = std::size_t{256} << 20;

Result<client::CallAnswer> Ask(client::Transport& transport, const client::Call& call) {
  TRY(client::CallAnswer answer, transport.Send(call));
  if (answer.status >= 200 && answer.status <= 299) return answer;
  return client::ErrorOfAnswer(transport.where(), answer);
}

bool IsWorthAnotherTry(const Error& error) { return error.code == ErrorCode::kUnavailable; }

// Deliver tries until the parcel has arrived, or the host is overdue. What the host does not want
// is no reason to stop: its next board says what it made of it.
Result<void> Deliver(PeerParty& party, PeerLink& link, ByteSpan parcel) {
  for (;;) {
    const Result<void> sent = link.Send(parcel);
    if (sent || !IsWorthAnotherTry(sent.error())) return {};
    TRY_VOID(party.Tick());
    std::this_thread::sleep_for(kPause);
  }
}

// NextBoard waits for the board of the step that the party is in.
Result<Bytes> NextBoard(PeerParty& party, PeerLink& link,
                        const std::function<Result<void>(PeerParty& party)>& happened) {
  for (;;) {
    Result<std::optional<Bytes>> board = link.FetchBoard(party.waits_for());
    if (board && *board) return **std::move(board);
    if (!board && !IsWorthAnotherTry(board.error())) return std::move(board).error();
    TRY_VOID(happened(party));
    TRY_VOID(party.Tick());
    if (!board) std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

Result<PeerLink> PeerLink::Open(const std::string& url, const crypto::Hash32& host_fingerprint,
                                const pki::IdentityDirectory& identity) {
  if (identity.chain().empty()) {
    return FailedPrecondition(identity.path().string() +
                              " has no certificate yet: salus identity certify, or make one with "
                              "salus identity new --self-signed");
  }
  http::ClientOptions options;
  options.base_url = url;
  options.server_fingerprint = host_fingerprint;
  options.certificate_chain_pem = identity.chain().front().ToPem();
  TRY(options.private_key,
      crypto::EncodePrivateKeyDer(crypto::PrivateKey(identity.signing_key().Clone())));
  TRY(std::unique_ptr<client::Transport> transport,
      client::HttpsTransport::Create(std::move(options)));
  return PeerLink(std::move(transport));
}

Result<std::string> PeerLink::FetchRoster() {
  client::Call call;
  call.path = "/aggregate/v1/roster";
  TRY(client::CallAnswer answer, Ask(*transport_, call));
  return std::move(answer.body);
}

Result<void> PeerLink::Send(ByteSpan parcel) {
  client::Call call;
  call.method = http::Method::kPost;
  call.path = "/aggregate/v1/parcels";
  call.content_type = "application/cbor";
  call.body = AsText(parcel);
  TRY_VOID(Ask(*transport_, call));
  return {};
}

Result<std::optional<Bytes>> PeerLink::FetchBoard(aggregate::PeerStep step) {
  client::Call call;
  call.path = "/aggregate/v1/parcels/" + std::string(PeerStepName(step));
  call.answer_limit_bytes = kMaxBoardBytes;
  TRY(const client::CallAnswer answer, Ask(*transport_, call));
  if (answer.status == 204) return std::optional<Bytes>();
  return std::optional<Bytes>(ToBytes(AsBytes(answer.body)));
}

Result<void> Attend(PeerParty& party, PeerLink& link,
                    const std::function<Result<void>(PeerParty& party)>& happened) {
  Bytes parcel = party.Join();
  for (;;) {
    TRY_VOID(happened(party));
    TRY_VOID(Deliver(party, link, parcel));
    for (;;) {
      TRY(const Bytes board, NextBoard(party, link, happened));
      Result<std::optional<Bytes>> answer = party.Handle(board);
      TRY_VOID(happened(party));
      if (answer && !*answer) return {};
      if (answer) {
        parcel = **std::move(answer);
        break;
      }
      if (party.failure()) return std::move(answer).error();
      // Nothing that the party could use; the host may do better, until it is overdue.
      TRY_VOID(party.Tick());
      std::this_thread::sleep_for(kPause);
    }
  }
}

}  // namespace salus::cli
