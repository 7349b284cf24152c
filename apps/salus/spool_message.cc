#include "apps/salus/spool_message.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "api/exchange_call.h"
#include "api/exchange_folder.h"
#include "api/exchange_peers.h"
#include "api/replay_store.h"
#include "jose/secure_message.h"

namespace salus::cli {

namespace {

class NoMessages final : public SpoolMessages {
 public:
  Result<AppendOutcome> Append(int) override {
    return FailedPrecondition(
        "signed and encrypted files are opened where the data is: use --data, "
        "or salusd --spool");
  }
  Result<void> Finish() override { return {}; }
};

class OpenedMessages final : public SpoolMessages {
 public:
  OpenedMessages(Session& session, Backend& place, pki::IdentityDirectory identity,
                 std::string own_uri, api::ExchangePeers peers,
                 std::unique_ptr<api::ReplayStore> replays)
      : session_(session),
        place_(place),
        identity_(std::move(identity)),
        own_uri_(std::move(own_uri)),
        peers_(std::move(peers)),
        replays_(std::move(replays)) {}

  Result<AppendOutcome> Append(int fd) override {
    TRY(const Bytes sealed, ReadAll(fd));
    std::optional<api::ExchangePeer> peer;
    const auto lookup = [&](std::string_view sender,
                            Timestamp signed_at) -> Result<crypto::PublicKey> {
      TRY(peer, peers_.Find(sender, signed_at));
      return peer->verifies;
    };
    TRY(const jose::OpenedMessage message,
        jose::OpenMessage(sealed, identity_.encryption_key(), lookup, {.recipient = own_uri_},
                          *replays_, session_.clock()));
    const std::optional<pki::Identity>& sender = peer->caller.identity;
    if (!sender || sender->role != pki::Role::kSource) {
      return PermissionDenied("not permitted: only sources send events");
    }
    TRY(const api::ExchangeCall call, api::ExchangeCall::Parse(message.payload));
    TRY(SourceInput input, InputFrom(call));
    input.source = sender->id;
    TRY(AppendOutcome outcome, AppendInput(session_, place_, input));
    taken_ = message.header;
    return outcome;
  }

  Result<void> Finish() override { return replays_->Finish(taken_); }

 private:
  static Result<Bytes> ReadAll(int fd) {
    Bytes bytes;
    std::uint8_t buffer[65'536];
    while (true) {
      const ssize_t got = ::read(fd, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Unavailable(std::strerror(errno));
      if (got == 0) return bytes;
      salus::Append(bytes, ByteSpan(buffer, static_cast<std::size_t>(got)));
      if (bytes.size() > api::ExchangeFolder::kMaxMessageBytes) {
        return InvalidArgument("it is longer than 16 MiB: send several files");
      }
    }
  }

  // The input views the call's body.
  static Result<SourceInput> InputFrom(const api::ExchangeCall& call) {
    SourceInput input;
    const bool is_fhir =
        call.path == "/fhir/AuditEvent" || call.content_type.starts_with("application/fhir+json");
    if (call.method != http::Method::kPost || (!is_fhir && call.path != "/audit/v1/events")) {
      return InvalidArgument("the message is no request to append events");
    }
    input.format = is_fhir ? InputFormat::kFhir : InputFormat::kNdjson;
    input.size_bytes = call.body.size();
    input.events.read =
        [body = ByteSpan(call.body)](MutableByteSpan buffer) mutable -> Result<std::size_t> {
      const std::size_t size = std::min(buffer.size(), body.size());
      std::copy_n(body.begin(), size, buffer.begin());
      body = body.subspan(size);
      return size;
    };
    return input;
  }

  Session& session_;
  Backend& place_;
  const pki::IdentityDirectory identity_;
  const std::string own_uri_;
  api::ExchangePeers peers_;
  const std::unique_ptr<api::ReplayStore> replays_;
  jose::SecureMessageHeader taken_;  // by the last Append that worked
};

// An inbox has its certificates beside it, as salusd --spool lays them out.
std::filesystem::path SendersOf(Session& session, const std::string& folder) {
  if (session.arguments().Has("--senders")) return session.arguments().Text("--senders");
  const std::filesystem::path spool(folder);
  return (spool.filename() == "inbox" ? spool.parent_path() : spool) / "certificates";
}

}  // namespace

Result<SpoolKind> KindOfSpoolFile(int fd) {
  char head[3];
  const ssize_t got = ::pread(fd, head, sizeof head, 0);
  if (got < 0) return Unavailable(std::strerror(errno));
  // A compact JWE begins with the base64url of {" ; a line of JSON with a brace.
  const std::string_view seen(head, static_cast<std::size_t>(got));
  return seen == "eyJ" ? SpoolKind::kMessage : SpoolKind::kPlain;
}

Result<std::unique_ptr<SpoolMessages>> SpoolMessages::Open(Session& session, Backend& place,
                                                           const std::string& folder) {
  if (!session.is_data_place()) return std::unique_ptr<SpoolMessages>(new NoMessages);
  const std::string directory = session.data_directory();
  TRY(pki::IdentityDirectory identity, pki::IdentityDirectory::Open(directory + "/server"));
  if (identity.chain().empty()) return FailedPrecondition(directory + "/server: no certificate");
  TRY(const pki::Identity own, identity.chain().front().identity());
  TRY(std::string uri, own.ToUri());
  TRY(api::ExchangePeers peers,
      api::ExchangePeers::Create(SendersOf(session, folder), place.RootCertificatePem(),
                                 place.Pinned().origin, session.clock()));
  TRY(std::unique_ptr<api::ReplayStore> replays,
      api::ReplayStore::Open(directory + "/exchange.seen", session.clock()));
  return std::unique_ptr<SpoolMessages>(new OpenedMessages(
      session, place, std::move(identity), std::move(uri), std::move(peers), std::move(replays)));
}

}  // namespace salus::cli
