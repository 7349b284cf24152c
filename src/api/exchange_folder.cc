#include "api/exchange_folder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <thread>

#include "api/exchange_call.h"
#include "api/exchange_peers.h"
#include "api/pipeline.h"
#include "api/replay_store.h"
#include "base/log.h"
#include "codec/hex.h"
#include "codec/uuid.h"
#include "crypto/sha256.h"
#include "http/problem.h"
#include "http/router.h"
#include "jose/secure_message.h"
#include "pki/directory_files.h"
#include "pki/identity_directory.h"

namespace salus::api {

namespace {

namespace fs = std::filesystem;

constexpr int kLookEveryMs = 500;
// A file that nobody told of is taken once it has not changed for so long.
constexpr std::chrono::seconds kQuietTime{2};

// Names of at most so many bytes can be written under "." and ".tmp" first.
constexpr std::size_t kMaxNameBytes = NAME_MAX - 5;
constexpr std::string_view kReason = ".reason";

// Descriptor closes what it holds.
struct Descriptor {
  int value = -1;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

bool IsForUs(std::string_view name) {
  return !name.empty() && name.front() != '.' && !name.ends_with(".tmp");
}

// ReadMessage opens no links and no devices: anybody may put names into the folder.
Result<Bytes> ReadMessage(const fs::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status{};
  if (file.value < 0 || ::fstat(file.value, &status) != 0 || !S_ISREG(status.st_mode)) {
    return InvalidArgument("it is no regular file that can be read");
  }
  if (static_cast<std::size_t>(status.st_size) > ExchangeFolder::kMaxMessageBytes) {
    return InvalidArgument("it is longer than 16 MiB: send several files");
  }
  Bytes bytes(static_cast<std::size_t>(status.st_size));
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t got = ::read(file.value, bytes.data() + at, bytes.size() - at);
    if (got <= 0) return InvalidArgument("it can't be read to its end");
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

// MoveInto replaces a file of that name; where a folder has it, another name is taken.
bool MoveInto(const fs::path& folder, const fs::path& path) {
  constexpr int kTries = 1000;
  const std::string name = path.filename().string();
  std::error_code failure;
  fs::rename(path, folder / name, failure);
  for (int i = 2; failure && i < kTries; ++i) {
    const fs::path other = folder / (name.substr(0, kMaxNameBytes - 4) + "." + std::to_string(i));
    if (!fs::exists(fs::symlink_status(other))) fs::rename(path, other, failure);
  }
  return !failure;
}

// WriteWhole puts a file in place under its name only once it is whole.
Result<void> WriteWhole(const fs::path& folder, const std::string& name, ByteSpan content) {
  const fs::path fresh = folder / ("." + name + ".tmp");
  ::unlink(fresh.c_str());
  const Descriptor file{
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (file.value < 0) return Unavailable("a file can't be made in the exchange folder");
  Result<void> written = pki::WriteAndSync(file.value, content);
  if (written && ::rename(fresh.c_str(), (folder / name).c_str()) != 0) {
    written = Unavailable("a file can't be renamed in the exchange folder");
  }
  if (!written) {
    ::unlink(fresh.c_str());
    return written;
  }
  return pki::SyncDirectory(folder);
}

}  // namespace

std::string ReasonFileName(std::string_view name) {
  if (name.size() + kReason.size() <= kMaxNameBytes) return std::string(name).append(kReason);
  constexpr std::size_t kHashBytes = 8;
  const std::string hash =
      "~" + codec::HexEncode(ByteSpan(crypto::Sha256(AsBytes(name))).first(kHashBytes));
  std::size_t kept = kMaxNameBytes - kReason.size() - hash.size();
  // Not within a character.
  while (kept > 0 && (static_cast<unsigned char>(name[kept]) & 0xc0) == 0x80) --kept;
  return std::string(name.substr(0, kept)).append(hash).append(kReason);
}

bool IsPlaceFailure(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kResourceExhausted ||
         code == ErrorCode::kInternal || code == ErrorCode::kCorruption;
}

struct ExchangeFolder::State {
  State(Service& s, fs::path path, pki::IdentityDirectory own, std::string uri, ExchangePeers who,
        std::unique_ptr<ReplayStore> seen, http::Router routes)
      : service(s),
        folder(std::move(path)),
        identity(std::move(own)),
        own_uri(std::move(uri)),
        peers(std::move(who)),
        replays(std::move(seen)),
        router(std::move(routes)) {}

  void Run(std::stop_token stop);
  void TakeAll(std::chrono::seconds quiet);
  void Take(const std::string& name);
  // What was carried out: its outcome is still to be noted.
  Result<jose::SecureMessageHeader> CarryOut(const fs::path& path);
  Result<http::Response> Answer(const jose::OpenedMessage& message, const Caller& caller);
  Result<http::Response> AnswerCall(const jose::SecureMessageHeader& message,
                                    const ExchangeCall& call, const Caller& caller);

  Service& service;
  const fs::path folder;
  const pki::IdentityDirectory identity;
  const std::string own_uri;
  ExchangePeers peers;
  const std::unique_ptr<ReplayStore> replays;
  const http::Router router;
  Descriptor watch;
  bool is_waiting = false;  // for the place to work again; said once
  std::jthread thread;
};

ExchangeFolder::ExchangeFolder(std::unique_ptr<State> state) : state_(std::move(state)) {}

ExchangeFolder::~ExchangeFolder() {
  state_->thread.request_stop();
  if (state_->thread.joinable()) state_->thread.join();
}

Result<std::unique_ptr<ExchangeFolder>> ExchangeFolder::Start(Service& service,
                                                              const fs::path& folder) {
  node::Node& node = service.node();
  for (const char* part : {"inbox", "outbox", "certificates", "done", "refused"}) {
    std::error_code failure;
    fs::create_directories(folder / part, failure);
    if (failure) return Unavailable((folder / part).string() + ": can't be made");
  }
  TRY(pki::IdentityDirectory identity, pki::IdentityDirectory::Open(node.path() + "/server"));
  if (identity.chain().empty()) return FailedPrecondition("DIR/server has no certificate");
  const pki::Certificate& leaf = identity.chain().front();
  TRY(const pki::Identity own, leaf.identity());
  TRY(std::string uri, own.ToUri());
  TRY_VOID(WriteWhole(folder / "certificates", codec::HexEncode(leaf.fingerprint()) + ".pem",
                      AsBytes(service.server_chain_pem())));
  TRY(ExchangePeers peers,
      ExchangePeers::Create(folder / "certificates", node.root_certificate_pem(), node.origin(),
                            node.clock()));
  TRY(std::unique_ptr<ReplayStore> replays,
      ReplayStore::Open(node.path() + "/exchange.seen", node.clock()));
  TRY(http::Router router, http::Router::Create(RoutesFor(service, Door::kMachine)));
  auto state = std::make_unique<State>(service, folder, std::move(identity), std::move(uri),
                                       std::move(peers), std::move(replays), std::move(router));
  // Watched before the first look, so that no name falls in between.
  state->watch.value = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (state->watch.value < 0 || ::inotify_add_watch(state->watch.value, (folder / "inbox").c_str(),
                                                    IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
    return Unavailable((folder / "inbox").string() + ": can't be watched");
  }
  state->thread = std::jthread([s = state.get()](std::stop_token stop) { s->Run(stop); });
  return std::unique_ptr<ExchangeFolder>(new ExchangeFolder(std::move(state)));
}

void ExchangeFolder::State::Run(std::stop_token stop) {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  while (!stop.stop_requested()) {
    // What was there before the start, and what events were lost or never made for.
    TakeAll(kQuietTime);
    pollfd what{.fd = watch.value, .events = POLLIN, .revents = 0};
    ::poll(&what, 1, kLookEveryMs);
    const ssize_t got = ::read(watch.value, buffer.data(), buffer.size());
    for (ssize_t at = 0; at < got && !stop.stop_requested();) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if (event->len > 0) Take(event->name);
    }
  }
}

void ExchangeFolder::State::TakeAll(std::chrono::seconds quiet) {
  std::vector<std::string> names;
  std::error_code failure;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator at(folder / "inbox", failure), end; !failure && at != end;
       at.increment(failure)) {
    std::error_code unknown;
    const auto changed = at->last_write_time(unknown);
    if (unknown || now - changed < quiet) continue;
    names.push_back(at->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) Take(name);
}

void ExchangeFolder::State::Take(const std::string& name) {
  const fs::path path = folder / "inbox" / name;
  std::error_code failure;
  if (!IsForUs(name) || !fs::exists(fs::symlink_status(path, failure))) return;
  const Result<jose::SecureMessageHeader> carried = CarryOut(path);
  const bool is_kept = !carried && IsPlaceFailure(carried.error().code);
  if (is_kept && !is_waiting) {
    Log(LogLevel::kWarning, "files of the exchange stay in the inbox, and are tried again",
        {{"reason", CodeName(carried.error().code)}});
  }
  is_waiting = is_kept;
  if (is_kept) return;
  if (!carried) {
    Log(LogLevel::kWarning, "a file of the exchange was refused",
        {{"reason", CodeName(carried.error().code)}});
    const Result<void> said = WriteWhole(folder / "refused", ReasonFileName(name),
                                         AsBytes(carried.error().message + "\n"));
    if (!said) Log(LogLevel::kWarning, "the reason can't be written beside a refused file");
  }
  if (!MoveInto(folder / (carried ? "done" : "refused"), path)) {
    const bool is_removed = fs::remove(path, failure) && !failure;
    Log(LogLevel::kError, is_removed
                              ? "a file of the exchange can't be moved out of the inbox: removed"
                              : "what is in the inbox of the exchange can't be moved nor removed");
  }
  // Last: a file that is still in the inbox after a crash is not refused as a replay.
  if (carried && !replays->Finish(*carried)) {
    Log(LogLevel::kWarning, "the outcome of a file of the exchange can't be noted");
  }
}

Result<jose::SecureMessageHeader> ExchangeFolder::State::CarryOut(const fs::path& path) {
  TRY(const Bytes sealed, ReadMessage(path));
  std::optional<ExchangePeer> peer;
  const auto lookup = [&](std::string_view sender,
                          Timestamp signed_at) -> Result<crypto::PublicKey> {
    TRY(peer, peers.Find(sender, signed_at));
    return peer->verifies;
  };
  node::Node& node = service.node();
  TRY(const jose::OpenedMessage message,
      jose::OpenMessage(sealed, identity.encryption_key(), lookup, {.recipient = own_uri}, *replays,
                        node.clock()));
  if (!codec::Uuid::Parse(message.header.id)) {
    return InvalidArgument("the message's id must be a UUID: its answer is named after it");
  }
  if (!peer->seals) {
    return FailedPrecondition("the sender's certificate has no key that an answer could go to");
  }
  const std::string answer_name = message.header.id + ".answer";
  // Only the outcome was not noted.
  std::error_code unknown;
  const bool is_answered = replays->WasBegun(message.header) &&
                           fs::exists(fs::symlink_status(folder / "outbox" / answer_name, unknown));
  if (is_answered) return message.header;
  TRY(const http::Response response, Answer(message, peer->caller));
  TRY(const Bytes packed,
      jose::PackMessage(AsBytes(EncodeExchangeAnswer(response)),
                        {own_uri, message.header.sender, node.clock().Now(), message.header.id},
                        identity.signing_key(), *peer->seals, node.random()));
  TRY_VOID(WriteWhole(folder / "outbox", answer_name, packed));
  return message.header;
}

Result<http::Response> ExchangeFolder::State::Answer(const jose::OpenedMessage& message,
                                                     const Caller& caller) {
  const Result<ExchangeCall> call = ExchangeCall::Parse(message.payload);
  if (!call) return ErrorResponse(call.error(), ErrorShape::kProblem);
  return AnswerCall(message.header, *call, caller);
}

Result<http::Response> ExchangeFolder::State::AnswerCall(const jose::SecureMessageHeader& message,
                                                         const ExchangeCall& call,
                                                         const Caller& caller) {
  http::RouteMatch match = router.Match(call.method, call.path);
  if (match.route == nullptr) return http::Problem(match.status, "", match.detail);
  const Endpoint& endpoint = Endpoints()[static_cast<std::size_t>(match.route->tag)];
  if (call.body.size() > match.route->body_limit_bytes) {
    return http::Problem(413, "", "the body is longer than this resource takes");
  }
  const auto& types = endpoint.content_types;
  const std::string type = call.content_type.substr(0, call.content_type.find(';'));
  if (!call.body.empty() && !types.empty() &&
      std::none_of(types.begin(), types.end(),
                   [&](const std::string& one) { return http::EqualIgnoreCase(one, type); })) {
    return http::Problem(415, "", "the body's media type is not taken here");
  }
  if (!endpoint.is_repeatable) {
    if (replays->WasBegun(message)) {
      return http::Problem(409, "",
                           "this request was begun before, and interrupted: look whether it took "
                           "effect, and only then send it anew");
    }
    TRY_VOID(replays->Begin(message));
  }
  http::Request request;
  request.method = call.method;
  request.target = request.path = call.path;
  request.query = call.query;
  request.parameters = std::move(match.parameters);
  request.route_tag = match.route->tag;
  return Perform(service, endpoint, request, caller, call.body);
}

}  // namespace salus::api
