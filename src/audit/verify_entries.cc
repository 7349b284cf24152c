// The entries themselves: each opens under exactly one granted key, and says what it must say.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "audit/directory_rows.h"
#include "audit/padding.h"
#include "audit/verify_parts.h"
#include "base/random.h"
#include "codec/rfc3339.h"

namespace salus::audit {

namespace {

// Registration is the entry that brings a subject's key.
struct Registration {
  std::uint64_t index;
  bool is_open = false;
};

class EntryOpener {
 public:
  EntryOpener(const VerifyQuestion& question, const VerifiedChain& chain, const Timeline& timeline,
              GrantTable& table, VerifiedHistory& history)
      : question_(question),
        timeline_(timeline),
        table_(table),
        history_(history),
        aad_(SealingAad(question.log->origin, chain.tag)),
        sealer_(random_) {
    for (const GrantedKey& key : table_.keys) keys_.push_back(&key.key);
  }

  Result<void> Open(const ProvenEntry& entry);
  // What did not open must be explained by grants to somebody else.
  Result<void> ExplainClosed();

 private:
  Result<const GrantedKey*> FindKey(std::uint64_t index, const SealedBody& body) const;
  Result<void> CheckKey(std::uint64_t index, const GrantedKey& key) const;
  Result<void> CheckClosed(std::uint64_t index) const;
  Result<void> TakeEvent(std::uint64_t index, const ChainItem& item, Bytes plaintext);
  Result<void> TakeOther(const ProvenEntry& entry, const GrantedKey* key, Bytes plaintext);
  Result<void> CheckRegistration(std::uint64_t index, ByteSpan content, const GrantedKey& key);
  bool IsRegistration(const ProvenEntry& entry) const;

  const VerifyQuestion& question_;
  const Timeline& timeline_;
  GrantTable& table_;
  VerifiedHistory& history_;
  const Bytes aad_;
  std::vector<const EpochKey*> keys_;  // of table_, in its order
  SystemRandom random_;
  Sealer sealer_;
  std::set<std::pair<EntryKeyId, EntryIv>> seen_seals_;
  std::set<std::pair<std::string, std::string>> seen_ids_;
  std::vector<Registration> registrations_;
  std::optional<std::uint64_t> own_since_;  // first grant of the first registration of this key
  std::uint64_t closed_entries_ = 0;
  std::uint64_t closed_before_own_key_ = 0;  // by ReaderKeys::own_key_since
  bool has_custody_ = false;
};

// Every granted key is tried: AES-GCM does not commit to its key, the key id does.
Result<const GrantedKey*> EntryOpener::FindKey(std::uint64_t index, const SealedBody& body) const {
  const GrantedKey* found = nullptr;
  const GrantedKey* late = nullptr;
  std::vector<EntryKeyId> ids(keys_.size());
  KeyIdsUnder(keys_, body.iv, ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] != body.key_id) continue;
    const GrantedKey& key = table_.keys[i];
    if (key.grants.front() > index) {
      late = &key;
      continue;
    }
    if (found != nullptr) return AtEntry(index, "its key id is that of two granted keys");
    found = &key;
  }
  if (found == nullptr && late != nullptr) {
    return AtEntry(index,
                   fmt::format("its key was granted behind it only, by entry {}: it was sealed "
                               "later than it claims",
                               late->grants.front()));
  }
  return found;
}

Result<void> EntryOpener::CheckKey(std::uint64_t index, const GrantedKey& key) const {
  const auto behind = std::lower_bound(key.grants.begin(), key.grants.end(), index);
  const std::uint64_t grant = *std::prev(behind);
  const std::uint64_t policy = table_.LastPolicyBefore(index);
  if (grant < policy) {
    return AtEntry(index, fmt::format("it stands behind policy entry {} under the older grant {}: "
                                      "readers of before could read it",
                                      policy, grant));
  }
  const Timestamp end(key.day + std::chrono::days(1));
  if (timeline_.EarliestOf({index}) > end + kDayTolerance) {
    return AtEntry(index,
                   fmt::format("it is sealed under the key of {}, and was logged after that day "
                               "was over: the key was not forgotten",
                               codec::FormatDay(key.day)));
  }
  return CheckBehind(index, key.day, table_);
}

// An entry under no granted key can only be under a grant that this reader can't open.
Result<void> EntryOpener::CheckClosed(std::uint64_t index) const {
  const std::uint64_t policy = table_.LastPolicyBefore(index);
  const bool may_be = std::any_of(table_.closed.begin(), table_.closed.end(),
                                  [&](std::uint64_t g) { return g < index && g > policy; });
  if (may_be) return {};
  return AtEntry(index,
                 "no grant gives the key that it is sealed under: it is another patient's, or "
                 "its grant is hidden");
}

bool EntryOpener::IsRegistration(const ProvenEntry& entry) const {
  const EventType wanted = question_.subject.kind == SubjectKind::kAuditor
                               ? EventType::kAuditorRegistered
                               : EventType::kPatientRegistered;
  return entry.is_policy() && entry.view.other->type == wanted;
}

Result<void> EntryOpener::CheckRegistration(std::uint64_t index, ByteSpan content,
                                            const GrantedKey& key) {
  std::optional<Subject> subject;
  std::optional<crypto::P256PublicKey> registered;
  if (question_.subject.kind == SubjectKind::kAuditor) {
    if (const auto row = DecodeAuditorRow(content)) {
      subject = row->subject;
      registered = row->key;
    }
  } else if (const auto row = DecodePatientRow(content)) {
    subject = row->subject;
    registered = row->key;
  }
  if (!subject) return AtEntry(index, "the registration is not one");
  if (*subject != question_.subject) return AtEntry(index, "it registers somebody else");
  if (!key.is_own) return {};
  if (!registered || !(*registered == question_.keys->own_key->public_key())) {
    return AtEntry(index, "it is sealed to this reader's key, but registers another one");
  }
  if (!own_since_) own_since_ = key.grants.front();
  return {};
}

Result<void> EntryOpener::TakeEvent(std::uint64_t index, const ChainItem& item, Bytes plaintext) {
  VerifiedEvent verified{
      item.index, item.leaf_hash, timeline_.LatestOf(item.index), std::move(plaintext), {}};
  const Result<Event> event = DecodeEvent(verified.plaintext);
  if (!event) return AtEntry(index, event.error().message);
  verified.event = *event;
  if (SubjectOf(*event) != question_.subject) {
    return AtEntry(index, "it is about another patient: it was filed under the wrong one");
  }
  if (event->source.empty()) return AtEntry(index, "it does not say which source sent it");
  if (!seen_ids_.emplace(event->source, event->id.ToString()).second) {
    return AtEntry(index, "an event of this source with this id stands in the chain twice");
  }
  history_.events.push_back(std::move(verified));
  return {};
}

Result<void> EntryOpener::TakeOther(const ProvenEntry& entry, const GrantedKey* key,
                                    Bytes plaintext) {
  const std::uint64_t index = entry.item.index.value;
  VerifiedEntry other{.index = entry.item.index,
                      .kind = entry.view.kind,
                      .logged = timeline_.LatestOf(entry.item.index),
                      .type = entry.view.other->type,
                      .plaintext = {},
                      .grant = std::nullopt};
  if (entry.sealed() == nullptr) {
    other.plaintext = ToBytes(entry.view.other->clear);
    if (other.type == EventType::kCustodyShare) has_custody_ = true;
  } else if (key != nullptr) {
    const Result<ByteSpan> content = DecodePadded(plaintext);
    if (!content) return AtEntry(index, content.error().message);
    if (IsRegistration(entry)) TRY_VOID(CheckRegistration(index, *content, *key));
    other.plaintext = ToBytes(*content);
  }
  if (IsRegistration(entry)) registrations_.push_back({index, key != nullptr});
  history_.others.push_back(std::move(other));
  return {};
}

Result<void> EntryOpener::Open(const ProvenEntry& entry) {
  const std::uint64_t index = entry.item.index.value;
  if (entry.view.grant) {
    VerifiedEntry grant{.index = entry.item.index,
                        .kind = EntryKind::kGrant,
                        .logged = timeline_.LatestOf(entry.item.index),
                        .plaintext = {},
                        .grant = std::nullopt};
    if (auto opened = table_.opened.extract(index)) grant.grant = std::move(opened.mapped());
    history_.others.push_back(std::move(grant));
    return {};
  }
  const SealedBody* body = entry.sealed();
  if (body == nullptr) return TakeOther(entry, nullptr, {});
  if (!seen_seals_.emplace(body->key_id, body->iv).second) {
    return AtEntry(index,
                   "it is sealed under the same key and nonce as an earlier one: an entry was "
                   "repeated");
  }
  TRY(const GrantedKey* key, FindKey(index, *body));
  Bytes plaintext;
  if (key == nullptr) {
    TRY_VOID(CheckClosed(index));
    const auto& since = question_.keys ? question_.keys->own_key_since : std::nullopt;
    ++(since && index < since->value ? closed_before_own_key_ : closed_entries_);
    if (entry.view.kind == EntryKind::kSealedEvent) return {};
  } else {
    TRY_VOID(CheckKey(index, *key));
    Result<Bytes> opened = sealer_.Open(key->key.KeyOf(body->iv), aad_, *body);
    if (!opened) return AtEntry(index, "it does not open under its key: it was altered");
    plaintext = *std::move(opened);
  }
  if (entry.view.kind == EntryKind::kSealedEvent) {
    return TakeEvent(index, entry.item, std::move(plaintext));
  }
  return TakeOther(entry, key, std::move(plaintext));
}

Result<void> EntryOpener::ExplainClosed() {
  const ReaderKeys* keys = question_.keys;
  const bool is_own_chain = keys != nullptr && keys->reader == question_.subject;
  if (!is_own_chain) {
    history_.not_for_reader = closed_entries_;
    history_.before_own_key = closed_before_own_key_;
    return {};
  }
  // Without this a server could pass off what it keeps from the reader as older than its key.
  const auto own = std::find_if(table_.keys.begin(), table_.keys.end(),
                                [](const GrantedKey& key) { return key.is_own; });
  if (own != table_.keys.end() && !own_since_) {
    return AtEntry(own->grants.front(),
                   "the grant is for your key, but no entry that opens with it registers it: the "
                   "registration is hidden or was altered");
  }
  if (table_.closed.empty()) return {};
  const std::uint64_t last = table_.closed.back();
  if (own_since_ && last > *own_since_) {
    return AtEntry(last,
                   "the grant does not open with your key, though your key was registered before "
                   "it: somebody else reads in your place, or the operator keeps entries from "
                   "you");
  }
  const bool is_explained = std::any_of(registrations_.begin(), registrations_.end(),
                                        [](const Registration& r) { return !r.is_open; });
  if (!is_explained) {
    return AtEntry(last,
                   "the grant does not open with your key, and nothing in the chain says that it "
                   "went to another key of yours or to custodians");
  }
  const bool waits = has_custody_ && keys->custody_key == nullptr;
  (waits ? history_.waiting_for_custodians : history_.under_older_key) = closed_entries_;
  return {};
}

}  // namespace

Result<void> OpenEntries(const VerifyQuestion& question, const VerifiedChain& chain,
                         std::span<const ProvenEntry> entries, const Timeline& timeline,
                         GrantTable& table, VerifiedHistory& history) {
  EntryOpener opener(question, chain, timeline, table, history);
  for (const ProvenEntry& entry : entries) TRY_VOID(opener.Open(entry));
  return opener.ExplainClosed();
}

}  // namespace salus::audit
