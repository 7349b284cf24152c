#include "tlog/log_fixture.h"

#include "base/endian.h"
#include "codec/base64.h"
#include "crypto/sha256.h"
#include "merkle/hash.h"

namespace salus::tlog {

LogFixture::LogFixture() = default;

LogOptions LogFixture::Options() {
  LogOptions options;
  options.origin = "example.org/log";
  options.segment_size_bytes = 256 * 1024;
  options.manual_checkpoints = true;
  options.clock = &clock;
  return options;
}

CheckpointSigner LogFixture::Signer() const {
  return {.sign = [this](std::string_view body) -> Result<std::string> {
            return std::string(body) + "\n" + codec::Base64Encode(key.Sign(AsBytes(body))) + "\n";
          },
          .verify = [this](std::string_view note) -> Result<void> {
            const std::size_t end = note.find("\n\n");
            if (end == note.npos) return VerificationFailed("no signature");
            const std::string_view encoded = note.substr(end + 2, note.size() - end - 3);
            TRY(const Bytes signature, codec::Base64Decode(encoded));
            return key.public_key().Verify(AsBytes(note.substr(0, end + 1)), signature);
          }};
}

Result<void> LogFixture::Create(storage::FileSystem& fs) {
  TRY_VOID(fs.MakeDirectory("log"));
  return Log::Create(fs, "log", Options(), Signer(), AsBytes("\x82\x01genesis"));
}

Result<std::unique_ptr<Log>> LogFixture::Open(storage::FileSystem& fs, bool read_only) {
  LogOptions options = Options();
  options.read_only = read_only;
  grants.clear();
  return Log::Open(fs, "log", options, Signer());
}

SubjectTag LogFixture::TagOf(std::uint64_t i) {
  return SubjectTag(crypto::Sha256(AsBytes("subject " + std::to_string(i))));
}

RepeatKey LogFixture::KeyOf(std::uint64_t event, std::uint64_t content) {
  RepeatKey repeat;
  const crypto::Hash32 identity = crypto::Sha256(AsBytes("event " + std::to_string(event)));
  std::copy_n(identity.begin(), 16, repeat.identity.begin());
  StoreBe(repeat.content.data(), content);
  return repeat;
}

std::shared_ptr<PendingGrant> LogFixture::Grant(Log& log, std::uint64_t subject) {
  const SubjectNumber number = log.subjects().Register(TagOf(subject));
  std::shared_ptr<PendingGrant>& grant = grants[subject];
  const std::uint64_t policy = log.subjects().at(number).last_policy;
  if (grant && (grant->index == 0 ? grant->policy_index == policy : grant->index >= policy)) {
    return grant;
  }
  grant = std::make_shared<PendingGrant>();
  grant->entry = ToBytes("\x82\x02grant " + std::to_string(subject));
  grant->leaf_hash = merkle::HashLeaf(grant->entry);
  grant->subject = number;
  grant->policy_index = policy;
  return grant;
}

std::unique_ptr<Submission> LogFixture::Event(Log& log, std::uint64_t subject, std::uint64_t event,
                                              std::uint64_t content) {
  auto submission = std::make_unique<Submission>();
  submission->arena = ToBytes("\x82\x01" + std::to_string(event) + " " + std::to_string(content));
  NewEntry entry;
  entry.size = submission->arena.size();
  entry.leaf_hash = merkle::HashLeaf(submission->arena);
  entry.subject = log.subjects().Register(TagOf(subject));
  entry.source = 1;
  submission->grants.push_back(Grant(log, subject));
  entry.grant = submission->grants.back().get();
  entry.repeat = KeyOf(event, content);
  submission->entries.push_back(std::move(entry));
  return submission;
}

}  // namespace salus::tlog
