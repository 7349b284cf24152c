// SubjectCache knows, for each subject that was seen, its tag with proof and its number in the log.
//
// Threads: safe to share; sharded.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "audit/directory.h"
#include "audit/signer.h"
#include "audit/subject.h"
#include "tlog/log.h"

namespace salus::audit {

// KnownSubject is one of them. Immutable.
struct KnownSubject {
  Subject subject;
  ProvenTag tag;
  tlog::SubjectNumber number;
  Bytes sealing_aad;  // audit/seal.h
};

class SubjectCache {
 public:
  SubjectCache(std::string origin, tlog::Log& log, Directory& directory, const Signer& signer);

  // Get returns the subject, proving its tag when this is the first time (0.15 ms).
  std::shared_ptr<const KnownSubject> Get(SubjectKind kind, std::string_view system,
                                          std::string_view id);
  std::shared_ptr<const KnownSubject> Get(const Subject& subject) {
    return Get(subject.kind, subject.system, subject.id);
  }
  // Find is Get without proving anything: null for a subject that was not asked for before.
  std::shared_ptr<const KnownSubject> Find(SubjectKind kind, std::string_view system,
                                           std::string_view id);
  // Flush stores the tags that were proven since the last call.
  void Flush();

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  struct Shard {
    std::shared_mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<const KnownSubject>, TextHash, std::equal_to<>>
        subjects;
  };
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kFlushTags = 256;

  // KeyOf composes what a subject is found by; a view of id, or of storage.
  static std::string_view KeyOf(SubjectKind kind, std::string_view system, std::string_view id,
                                std::string& storage);
  static std::shared_ptr<const KnownSubject> FindIn(Shard& shard, std::string_view key);
  std::shared_ptr<const KnownSubject> Make(const Subject& subject);

  const std::string origin_;
  tlog::Log& log_;
  Directory& directory_;
  const Signer& signer_;
  std::array<Shard, kShards> shards_;
  std::mutex new_tags_mutex_;
  std::vector<std::pair<std::array<std::uint8_t, 16>, ProvenTag>> new_tags_;  // by new_tags_mutex_
};

}  // namespace salus::audit
