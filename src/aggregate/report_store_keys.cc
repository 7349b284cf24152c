#include <algorithm>
#include <utility>

#include "aggregate/report_store_state.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {
namespace {

constexpr int kConfigIds = 256;
constexpr char kToRetire[] = "state = 1 AND replaced_ms < ? AND waiting = 0";

std::array<std::uint8_t, 1> RowOf(std::uint8_t config_id) { return {config_id}; }

// An id that no key has, or else the one that was retired longest ago. It is a random one: an
// aggregator whose file was lost must not give the ids of its old keys, which clients may
// remember, to the new ones first.
Result<std::uint8_t> FreeConfigId(storage::Database& db, RandomSource& random) {
  TRY(storage::Statement read,
      db.Prepare("SELECT config_id, state FROM hpke_keys ORDER BY made_ms, config_id"));
  std::array<bool, kConfigIds> taken{};
  std::optional<std::uint8_t> retired;
  for (;;) {
    TRY(const bool more, read.Step());
    if (!more) break;
    const auto id = static_cast<std::uint8_t>(read.Int(0));
    taken[id] = true;
    if (!retired && read.Int(1) == static_cast<std::int64_t>(HpkeKeyState::kRetired)) retired = id;
  }
  const std::uint8_t start = random.Array<1>()[0];
  for (int i = 0; i < kConfigIds; ++i) {
    const auto id = static_cast<std::uint8_t>(start + i);
    if (!taken[id]) return id;
  }
  if (retired) return *retired;
  return ResourceExhausted("HPKE keys: all 256 ids are in use; retire old keys first");
}

}  // namespace

Result<void> ReportStore::State::LoadKeys() {
  TRY(storage::Statement read,
      db.Prepare("SELECT config_id, state, config, private_key FROM hpke_keys "
                 "WHERE state != 2 ORDER BY state, made_ms DESC"));
  std::vector<std::shared_ptr<const DapHpkeKey>> loaded;
  for (;;) {
    TRY(const bool more, read.Step());
    if (!more) break;
    TRY(const DapHpkeConfig config, DapHpkeConfig::Parse(read.Blob(2)));
    TRY(const SecretBytes secret,
        cipher.Open("hpke_keys.private_key", RowOf(config.id), read.Blob(3)));
    if (secret.size() != 32) return Corruption("aggregate.db: an HPKE key has the wrong length");
    TRY(DapHpkeKey key,
        DapHpkeKey::Load(config, SecretArray<32>(secret.view(ShareAccess::Token()).first<32>())));
    loaded.push_back(std::make_shared<const DapHpkeKey>(std::move(key)));
  }
  const std::lock_guard lock(keys_mutex);
  keys = HpkeKeyRing(std::move(loaded));
  return {};
}

Result<void> ReportStore::RotateHpkeKey(Timestamp now) {
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  const auto rotate = [&]() -> Result<void> {
    TRY(const std::uint8_t id, FreeConfigId(s.db, s.random));
    const DapHpkeKey made = DapHpkeKey::Generate(id, s.random);
    TRY(storage::Statement replace,
        s.db.Prepare("UPDATE hpke_keys SET state = 1, replaced_ms = ? WHERE state = 0"));
    TRY_VOID(replace.BindAll(ToUnixMillis(now)));
    TRY_VOID(replace.Run());
    TRY(storage::Statement insert,
        s.db.Prepare("INSERT OR REPLACE INTO hpke_keys (config_id, state, config, private_key, "
                     "made_ms, replaced_ms, waiting) VALUES (?, 0, ?, ?, ?, NULL, 0)"));
    const Bytes config = made.config().Encode();
    const Bytes sealed = s.cipher.Seal("hpke_keys.private_key", RowOf(id),
                                       SecretBytes(made.private_key().view(ShareAccess::Token())));
    TRY_VOID(
        insert.BindAll(std::int64_t{id}, ByteSpan(config), ByteSpan(sealed), ToUnixMillis(now)));
    return insert.Run();
  };
  TRY_VOID(s.InLockedTransaction<void>(rotate));
  return s.LoadKeys();
}

// HelpsAfter says that the store has a helper's task that reports may be made for after a time.
bool ReportStore::State::HelpsAfter(Timestamp time) const {
  const std::shared_lock lock(tasks_mutex);
  return std::ranges::any_of(tasks, [&](const auto& entry) {
    const OpenTask& task = *entry.second;
    if (task.is_leader()) return false;
    const auto end = task.End();
    return !end || time < *end;
  });
}

Result<bool> ReportStore::HasHpkeKeysToRetire(Timestamp replaced_before,
                                              std::chrono::milliseconds helper_span) {
  State& s = *state_;
  if (s.HelpsAfter(replaced_before)) replaced_before -= helper_span;
  const std::lock_guard lock(s.mutex);
  TRY(storage::Statement read,
      s.db.Prepare(std::string("SELECT 1 FROM hpke_keys WHERE ") + kToRetire + " LIMIT 1"));
  TRY_VOID(read.BindAll(ToUnixMillis(replaced_before)));
  return read.Step();
}

Result<std::size_t> ReportStore::RetireHpkeKeys(Timestamp replaced_before,
                                                std::chrono::milliseconds helper_span) {
  State& s = *state_;
  if (s.HelpsAfter(replaced_before)) replaced_before -= helper_span;
  const std::lock_guard lock(s.mutex);
  TRY(const std::size_t retired, s.InLockedTransaction<std::size_t>([&]() -> Result<std::size_t> {
    TRY(storage::Statement retire,
        s.db.Prepare(std::string("UPDATE hpke_keys SET state = 2, private_key = NULL WHERE ") +
                     kToRetire));
    TRY_VOID(retire.BindAll(ToUnixMillis(replaced_before)));
    TRY_VOID(retire.Run());
    return static_cast<std::size_t>(s.db.changed_rows());
  }));
  TRY_VOID(s.LoadKeys());
  return retired;
}

Result<std::optional<Timestamp>> ReportStore::HpkeKeyMade() {
  const std::lock_guard lock(state_->mutex);
  TRY(storage::Statement read, state_->db.Prepare("SELECT made_ms FROM hpke_keys WHERE state = 0"));
  TRY(const bool found, read.Step());
  if (!found) return std::optional<Timestamp>();
  return std::optional(FromUnixMillis(read.Int(0)));
}

HpkeKeyRing ReportStore::hpke_keys() const {
  const std::lock_guard lock(state_->keys_mutex);
  return state_->keys;
}

}  // namespace salus::aggregate
