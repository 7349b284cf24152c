#include "client/exchange.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "client/private_file.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/uuid.h"
#include "jose/secure_message.h"
#include "pki/certificate.h"
#include "pki/directory_files.h"
#include "pki/path.h"

namespace salus::client {
namespace {

constexpr std::size_t kMaxMessageBytes = 256u << 20;
constexpr std::size_t kMaxReasonBytes = 4096;
constexpr std::size_t kMaxCertificateFiles = 10'000;
constexpr codec::JsonLimits kPayloadLimits{.max_depth = 4, .max_size_bytes = 192u << 20};

Result<std::string> BodyAt(const codec::JsonObject& object) {
  TRY(const std::string_view text, codec::StringAt(object, "body"));
  const Result<Bytes> bytes = codec::Base64UrlDecode(text);
  if (!bytes) return InvalidArgument("body: must be base64url");
  return std::string(AsText(*bytes));
}

// WriteShared puts a file where another user's process takes it: it is whole once it has its name.
Result<void> WriteShared(const std::filesystem::path& folder, const std::string& name,
                         ByteSpan content) {
  const std::filesystem::path fresh = folder / ("." + name + ".tmp");
  const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    return Unavailable(fresh.string() + ": can't create: " +
                       std::error_code(errno, std::generic_category()).message());
  }
  const Result<void> written = pki::WriteAndSync(descriptor, content);
  ::close(descriptor);
  if (!written || ::rename(fresh.c_str(), (folder / name).c_str()) != 0) {
    ::unlink(fresh.c_str());
    if (!written) return written;
    return Unavailable((folder / name).string() + ": can't rename");
  }
  return pki::SyncDirectory(folder);
}

struct ServerKeys {
  std::string uri;
  crypto::P256PublicKey verifies;
  crypto::P256PublicKey seals;
};

// ReadServer believes a chain only as far as it leads to the pinned root.
Result<ServerKeys> ReadServer(std::string_view pem, const PinnedServer& server, Timestamp now) {
  TRY(const std::vector<pki::Certificate> chain, pki::Certificate::FromPemBundle(pem));
  TRY(const pki::Certificate root, pki::Certificate::FromPem(server.root_pem));
  TRY(const pki::TrustStore trust, pki::TrustStore::Create({&root, 1}));
  TRY(const pki::Certificate leaf,
      pki::ValidatePath(chain, trust, now, pki::Purpose::kServer, server.log.origin));
  TRY(const pki::Identity identity, leaf.identity());
  if (identity.role != pki::Role::kServer) return VerificationFailed("it is not a server's");
  TRY(std::string uri, identity.ToUri());
  TRY(const crypto::P256PublicKey verifies, leaf.p256_public_key());
  TRY(const std::optional<crypto::P256PublicKey> seals, leaf.encryption_key());
  if (!seals) return FailedPrecondition("it has no key to seal to");
  return ServerKeys{std::move(uri), verifies, *seals};
}

// FindServer looks for the server's chain where it stands with those of all others.
Result<ServerKeys> FindServer(const std::filesystem::path& certificates, const PinnedServer& server,
                              Timestamp now) {
  if (!server.exchange_pem.empty()) {
    Result<ServerKeys> pinned = ReadServer(server.exchange_pem, server, now);
    if (!pinned) {
      return std::move(pinned.error()).WithContext("the pinned server's certificate");
    }
    return pinned;
  }
  std::error_code failure;
  std::size_t seen = 0;
  for (std::filesystem::directory_iterator i(certificates, failure), end; !failure && i != end;
       i.increment(failure)) {
    if (i->path().extension() != ".pem" || ++seen > kMaxCertificateFiles) continue;
    const Result<std::string> pem = ReadSmallFile(i->path(), 1024 * 1024);
    if (!pem) continue;
    Result<ServerKeys> keys = ReadServer(*pem, server, now);
    if (keys) return keys;
  }
  return FailedPrecondition(certificates.string() +
                            ": holds no certificate of the server that is pinned: is `salusd "
                            "--spool` running on this folder?");
}

// The client opens an answer once, and only the one that it waits for.
class SingleUse final : public jose::ReplayGuard {
 public:
  explicit SingleUse(std::string id) : id_(std::move(id)) {}
  Result<void> Accept(std::string_view, std::string_view id, Timestamp) override {
    if (id != id_ || std::exchange(is_used_, true)) {
      return AlreadyExists("the message is not the answer to this request");
    }
    return {};
  }

 private:
  const std::string id_;
  bool is_used_ = false;
};

// Descriptor closes what it holds.
struct Descriptor {
  int value = -1;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

}  // namespace

std::string EncodeCall(const Call& call) {
  codec::JsonObject object;
  object["method"] = http::MethodName(call.method);
  object["path"] = call.path;
  object["query"] = call.query;
  object["content_type"] = call.content_type;
  object["body"] = codec::Base64UrlEncode(AsBytes(call.body));
  return codec::WriteJson(object);
}

Result<Call> DecodeCall(std::string_view json) {
  TRY(const codec::Json value, codec::ParseJson(json, kPayloadLimits));
  TRY(const codec::JsonObject* object, codec::AsObject(value, "request"));
  Call call;
  TRY(const std::string_view method, codec::StringAt(*object, "method"));
  const std::optional<http::Method> parsed = http::ParseMethod(method);
  if (!parsed) return InvalidArgument("method: is not known");
  call.method = *parsed;
  TRY(call.path, codec::StringAt(*object, "path"));
  TRY(call.query, codec::StringAt(*object, "query"));
  TRY(call.content_type, codec::StringAt(*object, "content_type"));
  TRY(call.body, BodyAt(*object));
  return call;
}

std::string EncodeCallAnswer(const CallAnswer& answer) {
  codec::JsonObject object;
  object["status"] = answer.status;
  object["content_type"] = answer.content_type;
  object["body"] = codec::Base64UrlEncode(AsBytes(answer.body));
  return codec::WriteJson(object);
}

Result<CallAnswer> DecodeCallAnswer(std::string_view json) {
  TRY(const codec::Json value, codec::ParseJson(json, kPayloadLimits));
  TRY(const codec::JsonObject* object, codec::AsObject(value, "answer"));
  CallAnswer answer;
  TRY(const std::int64_t status, codec::IntAt(*object, "status"));
  if (status < 100 || status > 599) return InvalidArgument("status: is no HTTP status");
  answer.status = static_cast<int>(status);
  TRY(answer.content_type, codec::StringAt(*object, "content_type"));
  TRY(answer.body, BodyAt(*object));
  return answer;
}

struct FolderTransport::State {
  FolderOptions options;
  const pki::IdentityDirectory& identity;
  const Clock& clock;
  RandomSource& random;
  std::string own_uri;
  ServerKeys server;
};

FolderTransport::FolderTransport(std::unique_ptr<State> state) : state_(std::move(state)) {}
FolderTransport::~FolderTransport() = default;

Result<std::unique_ptr<Transport>> FolderTransport::Create(FolderOptions options,
                                                           const PinnedServer& server,
                                                           const pki::IdentityDirectory& identity,
                                                           const Clock& clock,
                                                           RandomSource& random) {
  if (identity.chain().empty()) {
    return FailedPrecondition("the identity has no certificate yet: have its request certified");
  }
  for (const char* part : {"inbox", "outbox", "certificates"}) {
    std::error_code failure;
    if (!std::filesystem::is_directory(options.folder / part, failure)) {
      return NotFound((options.folder / part).string() +
                      ": is no folder. `salusd --spool` makes it");
    }
  }
  const std::filesystem::path certificates = options.folder / "certificates";
  TRY(ServerKeys keys, FindServer(certificates, server, clock.Now()));
  const pki::Certificate& leaf = identity.chain().front();
  TRY(const pki::Identity own, leaf.identity());
  TRY(std::string own_uri, own.ToUri());
  const std::string name = codec::HexEncode(leaf.fingerprint()) + ".pem";
  if (!std::filesystem::exists(certificates / name)) {
    std::string pem;
    for (const pki::Certificate& certificate : identity.chain()) pem += certificate.ToPem();
    Result<void> written = WriteShared(certificates, name, AsBytes(pem));
    // Another run of the same identity may have been faster.
    if (!written && !std::filesystem::exists(certificates / name))
      return std::move(written).error();
  }
  auto state = std::unique_ptr<State>(
      new State{std::move(options), identity, clock, random, std::move(own_uri), std::move(keys)});
  return std::unique_ptr<Transport>(new FolderTransport(std::move(state)));
}

std::string FolderTransport::where() const { return state_->options.folder.string(); }

Result<CallAnswer> FolderTransport::Send(const Call& call) {
  State& state = *state_;
  const std::string id = codec::Uuid::Random(state.random).ToString();
  const jose::SecureMessageHeader header{state.own_uri, state.server.uri, state.clock.Now(), id};
  const std::string payload = EncodeCall(call);
  TRY(const Bytes message, jose::PackMessage(AsBytes(payload), header, state.identity.signing_key(),
                                             state.server.seals, state.random));
  const std::string answer_name = id + ".answer";
  TRY_VOID(WriteShared(state.options.folder / "inbox", id + ".request", message));
  TRY_VOID(WaitFor(id));
  const std::filesystem::path path = state.options.folder / "outbox" / answer_name;
  TRY(const std::string sealed, ReadSmallFile(path, kMaxMessageBytes));
  const auto lookup = [&](std::string_view sender, Timestamp) -> Result<crypto::PublicKey> {
    if (sender != state.server.uri) return NotFound("another sender");
    return crypto::PublicKey(state.server.verifies);
  };
  SingleUse guard(id);
  Result<jose::OpenedMessage> opened =
      jose::OpenMessage(AsBytes(sealed), state.identity.encryption_key(), lookup,
                        {.recipient = state.own_uri}, guard, state.clock);
  if (!opened) {
    // Somebody who can write to the folder put it there; the true answer may have been overwritten.
    return VerificationFailed(path.string() + ": is not the server's answer to this request (" +
                              opened.error().message + ")");
  }
  TRY(CallAnswer answer, DecodeCallAnswer(AsText(opened->payload)));
  if (answer.body.size() > call.answer_limit_bytes) {
    return ResourceExhausted("the server's answer is longer than allowed");
  }
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return answer;
}

// WaitFor returns when the name stands in the outbox. Not every file system tells of new names, so
// that it looks once a second too.
Result<void> FolderTransport::WaitFor(const std::string& id) {
  const std::filesystem::path outbox = state_->options.folder / "outbox";
  const std::filesystem::path reason =
      state_->options.folder / "refused" / (id + ".request.reason");
  const std::string name = id + ".answer";
  Descriptor watch{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (watch.value >= 0) {
    ::inotify_add_watch(watch.value, outbox.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE);
  }
  constexpr int kLookEveryMs = 1000;
  const FolderOptions& options = state_->options;
  const auto start = state_->clock.Monotonic();
  const auto end = start + options.answer_timeout;
  bool has_said = !options.waiting;
  while (true) {
    std::error_code ignored;
    if (std::filesystem::exists(outbox / name, ignored)) return {};
    if (const auto refused = ReadSmallFile(reason, kMaxReasonBytes)) {
      return FailedPrecondition(reason.string() + ": the request was refused: " +
                                refused->substr(0, refused->find('\n')));
    }
    const auto now = state_->clock.Monotonic();
    if (!has_said && now - start >= options.waiting_after) {
      has_said = true;
      options.waiting(outbox.string());
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - now);
    if (left.count() <= 0) {
      return Unavailable(outbox.string() +
                         ": no answer came in time; the request stays in inbox/ and may still be "
                         "carried out. Is `salusd --spool` running?");
    }
    pollfd what{.fd = watch.value, .events = POLLIN, .revents = 0};
    ::poll(&what, 1, static_cast<int>(std::min<std::int64_t>(left.count(), kLookEveryMs)));
    std::array<char, 4096> events;
    while (watch.value >= 0 && ::read(watch.value, events.data(), events.size()) > 0) {
    }
  }
}

}  // namespace salus::client
