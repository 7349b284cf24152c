// EpochStore holds the sealing keys of today, in memory only, and makes the grants that hand them
// to those who may read.
//
// Source: protocol.md P2.2, P3.3 and P3.4.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "audit/directory.h"
#include "audit/grant.h"
#include "audit/seal.h"
#include "audit/subject_cache.h"
#include "base/clock.h"
#include "base/random.h"
#include "tlog/submission.h"

namespace salus::audit {

// Epoch is one subject's key of one day and process. Wiped when the last user lets go of it.
struct Epoch {
  std::shared_ptr<const KnownSubject> subject;
  Day day;
  std::uint64_t policy_index;  // of the subject when it was made
  EpochKey key;
  std::shared_ptr<tlog::PendingGrant> grant;
  std::atomic<std::uint32_t> entries{0};
};

// Threads: safe to share.
class EpochStore {
 public:
  static constexpr std::uint32_t kMaxEntries = 1u << 30;

  EpochStore(std::string origin, tlog::Log& log, Directory& directory, SubjectCache& subjects,
             RandomSource& random);

  // Get returns the subject's epoch of today, a new one where the old one's readers, day or entries
  // are over. Blocks while readers change (LockReaders).
  //
  // Errors: FailedPrecondition when the subject has no key that a grant could go to.
  Result<std::shared_ptr<Epoch>> Get(const std::shared_ptr<const KnownSubject>& subject, Day today);
  // Find is Get without making one or waiting: null where there is none that still serves.
  std::shared_ptr<Epoch> Find(const KnownSubject& subject, Day today);
  // GetLocked is Get for whoever holds LockReaders; key overrides the directory's (first
  // registration).
  Result<std::shared_ptr<Epoch>> GetLocked(
      const std::shared_ptr<const KnownSubject>& subject, Day today,
      const std::optional<crypto::P256PublicKey>& key = std::nullopt);

  // LockReaders keeps new epochs from being made while a policy entry and its row come to stand.
  std::unique_lock<std::shared_mutex> LockReaders() { return std::unique_lock(readers_mutex_); }

  void Forget(tlog::SubjectNumber subject);
  // EndDayKey ends the auditor's day key, and every epoch that was granted under it: nothing that
  // the sequencer takes from then on is sealed to the key that the auditor had. The caller holds
  // LockReaders.
  void EndDayKey(tlog::SubjectNumber auditor);
  // ForgetBefore wipes all keys of days before today.
  void ForgetBefore(Day today);

 private:
  struct DayKey {
    Day day;
    SecretArray<32> key;
    std::shared_ptr<tlog::PendingGrant> grant;
  };
  struct Shard {
    std::mutex mutex;
    std::vector<std::shared_ptr<Epoch>> epochs;  // by subject number / kShards; by mutex
  };
  static constexpr std::size_t kShards = 64;

  Shard& ShardOf(tlog::SubjectNumber subject) { return shards_[subject.value % kShards]; }
  static std::size_t PlaceOf(tlog::SubjectNumber subject) { return subject.value / kShards; }
  bool IsCurrent(const Epoch& epoch, Day today) const;
  Result<std::shared_ptr<Epoch>> Make(const std::shared_ptr<const KnownSubject>& subject, Day today,
                                      const std::optional<crypto::P256PublicKey>& key);
  Result<crypto::P256PublicKey> KeyOf(const Subject& subject) const;
  Result<std::shared_ptr<tlog::PendingGrant>> MakeGrant(GrantType type, const SecretArray<32>& key,
                                                        const KnownSubject& subject, Day day,
                                                        const crypto::P256PublicKey& subject_key,
                                                        std::span<const DayKeyReader> readers,
                                                        std::uint64_t policy_index);
  Result<std::shared_ptr<DayKey>> DayKeyOf(const AuditorRow& auditor, Day today);

  const std::string origin_;
  tlog::Log& log_;
  Directory& directory_;
  SubjectCache& subjects_;
  RandomSource& random_;
  std::shared_mutex readers_mutex_;
  std::array<Shard, kShards> shards_;
  std::mutex day_keys_mutex_;
  std::unordered_map<std::uint32_t, std::shared_ptr<DayKey>> day_keys_;  // by day_keys_mutex_
};

}  // namespace salus::audit
