#include "node/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "audit/entry.h"
#include "base/log.h"
#include "codec/cbor.h"
#include "codec/hex.h"
#include "node/node_state.h"
#include "pki/certificate.h"
#include "pki/path.h"
#include "tlog/note.h"

namespace salus::node {

namespace {

constexpr std::size_t kMaxTextBytes = 1 << 20;

// The first entry says who this log is: keys of another one, or changed ones, are refused before
// they sign or prove anything.
Result<void> CheckIdentity(const tlog::Log& log, const Config& config, const KeySigner& signer) {
  TRY(const tlog::StoredEntry first, log.ReadEntry(tlog::LeafIndex{0}));
  TRY(const audit::Genesis genesis, audit::ParseGenesis(first.entry));
  const auto other = [](std::string_view what) {
    return Corruption("keys/" + std::string(what) +
                      " is not the key that entry 0 of the log names: restore it from a backup");
  };
  if (genesis.origin != config.origin) {
    return Corruption("salus.toml names another origin than entry 0 of the log");
  }
  if (genesis.log_key != signer.checkpoint_vkey()) return other("log.key");
  if (genesis.receipt_key != signer.receipt_vkey()) return other("receipt.key");
  if (genesis.vrf_key != signer.vrf_key().bytes()) return other("vrf.key");
  if (genesis.index_check != audit::IndexCheck(signer.index_key())) return other("index.key");
  return {};
}

Result<std::optional<crypto::Hash32>> DigestOf(const tlog::StoredEntry& stored) {
  TRY(const audit::EntryView entry, audit::ParseEntry(stored.entry));
  return entry.other ? entry.other->row_digest : std::nullopt;
}

// What entry `index` says of the row that it is the origin of. The newest policy entry of a chain
// carries the digest of the subject's row: the row of an older one is out of date.
Result<std::optional<crypto::Hash32>> RowDigestAt(const tlog::Log& log, std::uint64_t index) {
  TRY(const tlog::StoredEntry stored, log.ReadEntry(tlog::LeafIndex{index}));
  TRY(const audit::EntryView entry, audit::ParseEntry(stored.entry));
  if (!entry.other || !entry.other->row_digest) return std::optional<crypto::Hash32>();
  if (stored.meta.subject && audit::EndsEpoch(entry.other->type)) {
    const std::uint64_t last = log.subjects().at(*stored.meta.subject).last_policy;
    if (last > index) {
      return FailedPrecondition(fmt::format(
          "control.db is older than the log: entry {} replaced the row of entry {}", last, index));
    }
  }
  return entry.other->row_digest;
}

Result<void> ScanRowDigests(const tlog::Log& log, std::uint64_t since,
                            const audit::Directory::LoggedRows::Visit& visit) {
  for (std::uint64_t index = since;; ++index) {
    const auto stored = log.ReadEntry(tlog::LeafIndex{index});
    if (!stored && stored.error().code == ErrorCode::kNotFound) return {};
    if (!stored) return stored.error();
    const auto digest = DigestOf(*stored);
    if (digest && *digest) visit(index, **digest);  // kinds 0 and 3 carry none
  }
}

}  // namespace

// The root is handed out for others to pin: not a byte of it may have changed.
Result<void> CheckRootCertificate(const std::string& pem) {
  constexpr std::string_view kAdvice =
      ": restore it, ca/root.pem and root-offline/certificate.pem are the same certificate";
  const auto root = pki::Certificate::FromPem(pem);
  if (!root || root->ToPem() != pem) {
    return Corruption("root.pem was changed" + std::string(kAdvice));
  }
  if (!pki::TrustStore::Create({&*root, 1})) {
    return Corruption("root.pem is not signed by its own key" + std::string(kAdvice));
  }
  return {};
}

Result<std::string> ReadText(storage::FileSystem& fs, const std::string& path) {
  TRY(const auto file, fs.OpenExisting(path, storage::FileAccess::kReadOnly));
  TRY(const std::uint64_t size, file->Size());
  if (size > kMaxTextBytes) return InvalidArgument(path + " is too long");
  std::string text(size, '\0');
  TRY_VOID(file->ReadExactAt(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}));
  return text;
}

Result<void> WriteText(storage::FileSystem& fs, const std::string& path, std::string_view text) {
  TRY(const auto file, fs.Create(path));
  TRY_VOID(file->WriteAt(0, AsBytes(text)));
  TRY_VOID(file->SyncData());
  return fs.SyncDirectory(storage::DirectoryOf(path));
}

Result<void> LoggedIssuance::Record(ByteSpan certificate_sha256, const pki::Identity& identity,
                                    bool is_person) {
  Bytes content;
  codec::CborWriter writer(content);
  writer.Map(is_person ? 1 : 2);
  writer.Uint(1);
  writer.ByteString(certificate_sha256);
  if (!is_person) {
    TRY(const std::string uri, identity.ToUri());
    writer.Uint(2);
    writer.Text(uri);
  }
  TRY_VOID(recorder_.RecordClear(tlog::EntryKind::kCertificate,
                                 audit::EventType::kCertificateIssued, content));
  return {};
}

tlog::CheckpointSigner Node::State::CheckpointKeys() const {
  return {.sign = [this](std::string_view body) { return signer->SignCheckpoint(body); },
          .verify = [this](std::string_view text) -> Result<void> {
            TRY(const tlog::VerifierKey key, tlog::VerifierKey::Parse(signer->checkpoint_vkey()));
            TRY(const tlog::Note note, tlog::Note::Parse(text));
            TRY_VOID(note.Verify({&key, 1}));
            return {};
          }};
}

Result<void> Node::State::OpenParts(NodeAccess access, const std::string& config_path) {
  const bool read_only = access == NodeAccess::kReadOnly;
  TRY(const std::string toml, ReadText(fs, config_path));
  TRY(config, Config::Parse(std::string_view(toml)));
  if (!read_only) {
    Result<std::unique_ptr<storage::FileLock>> taken = fs.LockFile(PathOf("lock"));
    if (!taken) {
      taken.error().message += ", or use --server";
      return taken.error();
    }
    lock = *std::move(taken);
  }
  TRY(signer, KeySigner::Open(PathOf("keys")));
  TRY(root_pem, ReadText(fs, PathOf("root.pem")));
  TRY_VOID(CheckRootCertificate(root_pem));
  tlog::LogOptions options;
  options.origin = config.origin;
  options.interval_loaded = config.interval_loaded;
  options.interval_quiet = config.interval_quiet;
  options.interval_idle = config.interval_idle;
  options.read_only = read_only;
  options.is_for_questions = access == NodeAccess::kAsk;
  options.clock = &clock;
  options.metrics = &metrics;
  TRY(log, tlog::Log::Open(fs, PathOf("log"), options, CheckpointKeys()));
  TRY_VOID(CheckIdentity(*log, config, *signer));
  audit::Directory::LoggedRows logged;
  logged.digest_at = [l = log.get()](std::uint64_t index) { return RowDigestAt(*l, index); };
  logged.scan = [l = log.get()](std::uint64_t since, const auto& visit) {
    return ScanRowDigests(*l, since, visit);
  };
  TRY(directory, audit::Directory::Open(PathOf("control.db"), read_only, std::move(logged)));
  recorder = std::make_unique<audit::Recorder>(audit::Recorder::Parts{.origin = config.origin,
                                                                      .log = log.get(),
                                                                      .directory = directory.get(),
                                                                      .signer = signer.get(),
                                                                      .clock = &clock,
                                                                      .random = &random,
                                                                      .metrics = &metrics});
  historian = std::make_unique<audit::Historian>(*log, *directory, *recorder, clock, random);
  if (access == NodeAccess::kReadWrite) {
    const std::lock_guard one_at_a_time(acts_mutex);
    if (Result<void> done = FinishMandates(); !done) {
      Log(LogLevel::kError, "a mandate's change is not finished: the next act will",
          {{"reason", CodeName(done.error().code)}});
    }
  }
  if (!read_only) midnight = std::jthread([this](std::stop_token stop) { RunMidnight(stop); });
  return {};
}

// The keys of a day that is over are wiped within a second of midnight UTC.
void Node::State::RunMidnight(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wait;
  Day today = DayOf(clock.Now());
  while (!stop.stop_requested()) {
    std::unique_lock held(mutex);
    wait.wait_for(held, stop, std::chrono::seconds(1), [] { return false; });
    const Day now = DayOf(clock.Now());
    if (now == today) continue;
    today = now;
    recorder->ForgetOldEpochs();
    Log(LogLevel::kInfo, "the keys of the day that is over are wiped");
  }
}

Node::Node(std::unique_ptr<State> state) : state_(std::move(state)) {}
Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::Open(const std::string& directory, NodeAccess access,
                                         const Clock& clock, RandomSource& random,
                                         const std::string& config_path) {
  auto state = std::make_unique<State>(directory, clock, random);
  const std::string path = config_path.empty() ? state->PathOf("salus.toml") : config_path;
  TRY(const bool exists, state->fs.Exists(path));
  if (!exists && !config_path.empty()) return NotFound(config_path + ": there is no such file");
  if (!exists) {
    return NotFound(directory + " is no Salus data directory: make one with `salus init`");
  }
  TRY_VOID(state->OpenParts(access, path));
  std::unique_ptr<Node> node(new Node(std::move(state)));
  if (access == NodeAccess::kReadWrite && node->config().aggregate.is_on()) {
    TRY(node->state_->aggregation, Aggregation::Open(*node, node->state_->fs));
  }
  return node;
}

const Config& Node::config() const { return state_->config; }
const std::string& Node::origin() const { return state_->config.origin; }
tlog::Log& Node::log() { return *state_->log; }
audit::Directory& Node::directory() { return *state_->directory; }
audit::Recorder& Node::recorder() { return *state_->recorder; }
audit::Historian& Node::historian() { return *state_->historian; }
const audit::Signer& Node::signer() const { return *state_->signer; }
MetricRegistry& Node::metrics() { return state_->metrics; }
const Clock& Node::clock() const { return state_->clock; }
RandomSource& Node::random() { return state_->random; }
std::string Node::root_certificate_pem() const { return state_->root_pem; }
const std::string& Node::path() const { return state_->directory_path; }
Aggregation* Node::aggregation() { return state_->aggregation.get(); }

audit::PinnedLog Node::pinned() const {
  return {.origin = state_->config.origin,
          .log_vkey = state_->signer->checkpoint_vkey(),
          .receipt_vkey = state_->signer->receipt_vkey(),
          .vrf_key = state_->signer->vrf_key(),
          .policy = state_->config.policy};
}

}  // namespace salus::node
