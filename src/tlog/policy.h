// Policy says which logs count, and how many of which witnesses must have cosigned a checkpoint.
//
// Source: C2SP tlog-policy.
// Shape:  lines "log VKEY [URL]", "witness NAME VKEY [URL]", "group NAME all|any|K NAME...",
// "quorum
//         NAME|none" (exactly one), each ended by a newline; words parted by spaces and tabs; lines
//         that are empty or begin with # are passed over. At most 64 KiB, 256 logs, 256 witnesses
//         and 256 groups. Logs sign with type 0x01 or 0x04, witnesses with 0x04.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/verifier_key.h"

namespace salus::tlog {

// PolicyLog and PolicyWitness are the keys of a policy; the URL may be empty.
struct PolicyLog {
  VerifierKey key;
  std::string url;
  friend bool operator==(const PolicyLog&, const PolicyLog&) = default;
};
struct PolicyWitness {
  std::string name;
  VerifierKey key;
  std::string url;
  friend bool operator==(const PolicyWitness&, const PolicyWitness&) = default;
};

// WitnessTime is one verified cosignature.
struct WitnessTime {
  std::size_t witness = 0;  // its place in Policy::witnesses()
  std::uint64_t unix_seconds = 0;
  friend bool operator==(const WitnessTime&, const WitnessTime&) = default;
};

// VerifiedCheckpoint is a checkpoint that one of a policy's logs has signed.
struct VerifiedCheckpoint {
  Checkpoint checkpoint;
  std::size_t log = 0;                    // its place in Policy::logs()
  std::vector<WitnessTime> cosignatures;  // those of the policy's witnesses, each once
};

class Policy {
 public:
  // Errors: InvalidArgument, with the number of the line and what is wrong with it.
  static Result<Policy> Parse(std::string_view text);
  // ToText writes the policy without comments, one space between words.
  std::string ToText() const;

  const std::vector<PolicyLog>& logs() const { return logs_; }
  const std::vector<PolicyWitness>& witnesses() const { return witnesses_; }

  // IsQuorum says whether these witnesses (places in witnesses()) are enough.
  bool IsQuorum(std::span<const std::size_t> cosigners) const;

  // VerifyLog checks that a log of the policy has signed, under its own origin, and which witnesses
  // have cosigned; not whether they are enough.
  // Errors: VerificationFailed, also when a known key's signature fails; InvalidArgument when it is
  // no checkpoint.
  Result<VerifiedCheckpoint> VerifyLog(std::string_view note) const;

  // Verify is VerifyLog with the quorum. Errors: VerificationFailed as well when the quorum is not
  // reached.
  Result<VerifiedCheckpoint> Verify(std::string_view note) const;

  friend bool operator==(const Policy&, const Policy&) = default;

 private:
  friend class PolicyParser;

  // Member is a witness or an earlier group.
  struct Member {
    bool is_group = false;
    std::size_t place = 0;
    friend bool operator==(const Member&, const Member&) = default;
  };
  struct Group {
    std::string name;
    std::size_t threshold = 0;
    std::vector<Member> members;
    friend bool operator==(const Group&, const Group&) = default;
  };

  Policy() = default;
  const std::string& NameOf(const Member& member) const;

  std::vector<PolicyLog> logs_;
  std::vector<PolicyWitness> witnesses_;
  std::vector<Group> groups_;
  std::optional<Member> quorum_;  // nullopt is "none"
};

}  // namespace salus::tlog
