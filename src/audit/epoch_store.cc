#include "audit/epoch_store.h"

#include <algorithm>

#include "audit/secret_access.h"
#include "merkle/hash.h"

namespace salus::audit {

namespace {

constexpr std::size_t kReadersPerGrant = 7;

}  // namespace

EpochStore::EpochStore(std::string origin, tlog::Log& log, Directory& directory,
                       SubjectCache& subjects, RandomSource& random)
    : origin_(std::move(origin)),
      log_(log),
      directory_(directory),
      subjects_(subjects),
      random_(random) {}

bool EpochStore::IsCurrent(const Epoch& epoch, Day today) const {
  return epoch.day == today && epoch.entries.load(std::memory_order_relaxed) < kMaxEntries &&
         epoch.policy_index == log_.subjects().at(epoch.subject->number).last_policy &&
         !epoch.grant->NeedsWhatIsOver();
}

std::shared_ptr<Epoch> EpochStore::Find(const KnownSubject& subject, Day today) {
  Shard& shard = ShardOf(subject.number);
  const std::size_t place = PlaceOf(subject.number);
  std::lock_guard lock(shard.mutex);
  if (place >= shard.epochs.size()) return nullptr;
  const std::shared_ptr<Epoch>& epoch = shard.epochs[place];
  return epoch && IsCurrent(*epoch, today) ? epoch : nullptr;
}

Result<std::shared_ptr<Epoch>> EpochStore::Get(const std::shared_ptr<const KnownSubject>& subject,
                                               Day today) {
  if (std::shared_ptr<Epoch> epoch = Find(*subject, today)) return epoch;
  std::shared_lock readers(readers_mutex_);
  return GetLocked(subject, today);
}

Result<std::shared_ptr<Epoch>> EpochStore::GetLocked(
    const std::shared_ptr<const KnownSubject>& subject, Day today,
    const std::optional<crypto::P256PublicKey>& key) {
  Shard& shard = ShardOf(subject->number);
  const std::size_t place = PlaceOf(subject->number);
  std::lock_guard lock(shard.mutex);
  if (place >= shard.epochs.size()) shard.epochs.resize(place + 1);
  std::shared_ptr<Epoch>& epoch = shard.epochs[place];
  if (epoch && IsCurrent(*epoch, today)) return epoch;
  TRY(epoch, Make(subject, today, key));
  return epoch;
}

Result<crypto::P256PublicKey> EpochStore::KeyOf(const Subject& subject) const {
  if (subject.kind == SubjectKind::kAuditor) {
    if (const auto row = directory_.FindAuditor(subject.id)) return row->key;
  } else if (const auto row = directory_.FindPatient(subject)) {
    if (row->key) return *row->key;
    if (row->custody_key) return *row->custody_key;
  }
  return BrokenRegistration();
}

Result<std::shared_ptr<tlog::PendingGrant>> EpochStore::MakeGrant(
    GrantType type, const SecretArray<32>& key, const KnownSubject& subject, Day day,
    const crypto::P256PublicKey& subject_key, std::span<const DayKeyReader> readers,
    std::uint64_t policy_index) {
  auto grant = std::make_shared<tlog::PendingGrant>();
  TRY(SealedGrant sealed, SealGrant(origin_, type, key, subject.tag.tag, day, subject.subject,
                                    subject_key, readers, policy_index, random_));
  grant->entry = std::move(sealed.entry);
  grant->check = [this, tag = subject.tag.tag,
                  content_key = std::make_shared<const SecretArray<32>>(
                      std::move(sealed.content_key))](ByteSpan read) -> Result<void> {
    TRY(const EntryView view, ParseEntry(read));
    if (!view.grant) return Corruption("a grant reads back as another kind");
    TRY_VOID(OpenGrantContent(origin_, *view.grant, tag, *content_key));
    return {};
  };
  grant->leaf_hash = merkle::HashLeaf(grant->entry);
  grant->subject = subject.number;
  grant->policy_index = policy_index;
  return grant;
}

Result<std::shared_ptr<EpochStore::DayKey>> EpochStore::DayKeyOf(const AuditorRow& auditor,
                                                                 Day today) {
  const std::shared_ptr<const KnownSubject> subject = subjects_.Get(auditor.subject);
  const std::uint64_t policy_index = log_.subjects().at(subject->number).last_policy;
  std::lock_guard lock(day_keys_mutex_);
  std::shared_ptr<DayKey>& day_key = day_keys_[subject->number.value];
  const bool is_spent =
      day_key && day_key->grant->index == 0 && day_key->grant->policy_index != policy_index;
  if (day_key && day_key->day == today && !is_spent) return day_key;
  auto made = std::make_shared<DayKey>();
  made->day = today;
  random_.Fill(made->key.mutable_view(AuditSecrets::Token()));
  TRY(made->grant,
      MakeGrant(GrantType::kDayKey, made->key, *subject, today, auditor.key, {}, policy_index));
  day_key = std::move(made);
  return day_key;
}

Result<std::shared_ptr<Epoch>> EpochStore::Make(const std::shared_ptr<const KnownSubject>& subject,
                                                Day today,
                                                const std::optional<crypto::P256PublicKey>& key) {
  const std::uint64_t policy_index = log_.subjects().at(subject->number).last_policy;
  Result<crypto::P256PublicKey> subject_key =
      key ? Result<crypto::P256PublicKey>(*key) : KeyOf(subject->subject);
  if (!subject_key) return subject_key.error();
  std::vector<std::shared_ptr<DayKey>> day_keys;
  std::vector<DayKeyReader> readers;
  if (subject->subject.kind == SubjectKind::kPatient) {
    for (const AuditorRow& auditor : directory_.AuditorsOf(subject->subject, today)) {
      TRY(std::shared_ptr<DayKey> day_key, DayKeyOf(auditor, today));
      readers.push_back({auditor.subject, &day_key->key});
      day_keys.push_back(std::move(day_key));
    }
  }
  auto epoch =
      std::make_shared<Epoch>(subject, today, policy_index, EpochKey::Generate(random_), nullptr);
  const SecretArray<32> raw = epoch->key.Clone();
  const std::span<const DayKeyReader> all(readers);
  const auto first = all.first(std::min(all.size(), kReadersPerGrant));
  TRY(epoch->grant,
      MakeGrant(GrantType::kEpochKey, raw, *subject, today, *subject_key, first, policy_index));
  for (const auto& day_key : day_keys) epoch->grant->needs.push_back(day_key->grant);
  for (std::size_t at = kReadersPerGrant; at < all.size(); at += kReadersPerGrant) {
    const auto more = all.subspan(at, std::min(all.size() - at, kReadersPerGrant));
    TRY(auto grant,
        MakeGrant(GrantType::kEpochKey, raw, *subject, today, *subject_key, more, policy_index));
    epoch->grant->needs.push_back(std::move(grant));
  }
  return epoch;
}

void EpochStore::Forget(tlog::SubjectNumber subject) {
  Shard& shard = ShardOf(subject);
  const std::size_t place = PlaceOf(subject);
  std::lock_guard lock(shard.mutex);
  if (place < shard.epochs.size()) shard.epochs[place] = nullptr;
}

void EpochStore::EndDayKey(tlog::SubjectNumber auditor) {
  std::lock_guard lock(day_keys_mutex_);
  const auto at = day_keys_.find(auditor.value);
  if (at == day_keys_.end()) return;
  at->second->grant->is_over = true;
  day_keys_.erase(at);
}

void EpochStore::ForgetBefore(Day today) {
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    for (std::shared_ptr<Epoch>& epoch : shard.epochs) {
      if (epoch && epoch->day < today) epoch = nullptr;
    }
  }
  std::lock_guard lock(day_keys_mutex_);
  std::erase_if(day_keys_, [today](const auto& k) { return k.second->day < today; });
}

}  // namespace salus::audit
