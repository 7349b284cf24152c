#include "audit/subject_cache.h"

#include <algorithm>

#include "audit/seal.h"
#include "base/log.h"

namespace salus::audit {

SubjectCache::SubjectCache(std::string origin, tlog::Log& log, Directory& directory,
                           const Signer& signer)
    : origin_(std::move(origin)), log_(log), directory_(directory), signer_(signer) {}

// Ids have no control characters, so that a 0 byte separates them; patients without a system, the
// many, are found without building a key.
std::string_view SubjectCache::KeyOf(SubjectKind kind, std::string_view system, std::string_view id,
                                     std::string& storage) {
  if (kind == SubjectKind::kPatient && system.empty()) return id;
  storage.push_back(static_cast<char>(kind));
  storage.push_back('\0');
  storage += system;
  storage.push_back('\0');
  storage += id;
  return storage;
}

std::shared_ptr<const KnownSubject> SubjectCache::FindIn(Shard& shard, std::string_view key) {
  std::shared_lock lock(shard.mutex);
  const auto at = shard.subjects.find(key);
  return at == shard.subjects.end() ? nullptr : at->second;
}

std::shared_ptr<const KnownSubject> SubjectCache::Find(SubjectKind kind, std::string_view system,
                                                       std::string_view id) {
  std::string storage;
  const std::string_view key = KeyOf(kind, system, id, storage);
  return FindIn(shards_[TextHash()(key) % kShards], key);
}

std::shared_ptr<const KnownSubject> SubjectCache::Get(SubjectKind kind, std::string_view system,
                                                      std::string_view id) {
  std::string storage;
  const std::string_view key = KeyOf(kind, system, id, storage);
  Shard& shard = shards_[TextHash()(key) % kShards];
  if (auto known = FindIn(shard, key)) return known;
  auto made = Make({kind, std::string(system), std::string(id)});
  std::unique_lock lock(shard.mutex);
  return shard.subjects.try_emplace(std::string(key), std::move(made)).first->second;
}

std::shared_ptr<const KnownSubject> SubjectCache::Make(const Subject& subject) {
  const Bytes alpha = VrfInput(origin_, subject);
  const crypto::Hash32 mac = signer_.index_key().Mac({AsBytes("salus/tag-cache"), alpha});
  std::array<std::uint8_t, 16> key;
  std::copy_n(mac.begin(), key.size(), key.begin());
  auto known = std::make_shared<KnownSubject>();
  known->subject = subject;
  // The cache is not trusted to say whose tag it is: the proof is verified before it is used.
  std::optional<ProvenTag> cached = directory_.FindTag(key);
  if (cached) {
    const auto tag = VerifyTag(signer_.vrf_key(), origin_, subject, cached->proof);
    if (!tag || *tag != cached->tag) cached.reset();
  }
  if (cached) {
    known->tag = *cached;
  } else {
    known->tag.proof = signer_.ProveSubject(alpha);
    const auto output = crypto::ProofToHash(known->tag.proof);
    known->tag.tag = TagFromOutput(*output);
    std::unique_lock lock(new_tags_mutex_);
    new_tags_.emplace_back(key, known->tag);
    if (new_tags_.size() >= kFlushTags) {
      lock.unlock();
      Flush();
    }
  }
  known->number = log_.subjects().Register(known->tag.tag);
  known->sealing_aad = SealingAad(origin_, known->tag.tag);
  return known;
}

void SubjectCache::Flush() {
  std::vector<std::pair<std::array<std::uint8_t, 16>, ProvenTag>> tags;
  {
    std::lock_guard lock(new_tags_mutex_);
    tags.swap(new_tags_);
  }
  if (tags.empty()) return;
  if (Result<void> ok = directory_.PutTags(tags); !ok) {
    Log(LogLevel::kWarning, "tags not cached", {{"reason", CodeName(ok.error().code)}});
  }
}

}  // namespace salus::audit
