#include "tlog/policy.h"

#include <algorithm>
#include <map>
#include <set>

namespace salus::tlog {
namespace {

constexpr std::size_t kMaxPolicyBytes = 64u << 10;
constexpr std::size_t kMaxOfAKind = 256;
constexpr std::string_view kNone = "none";
constexpr std::string_view kWhitespace = " \t";

using Words = std::vector<std::string_view>;

Words SplitWords(std::string_view line) {
  Words words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(kWhitespace);
    if (begin == line.npos) return words;
    const std::size_t end = std::min(line.find_first_of(kWhitespace, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

bool HasForbiddenOctet(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (octet < 0x20 && c != '\t' && c != '\n') || octet == 0x7f;
  });
}

}  // namespace

// PolicyParser reads line by line; what a line refers to stands before it.
class PolicyParser {
 public:
  Result<Policy> Parse(std::string_view text) {
    if (text.size() > kMaxPolicyBytes) return InvalidArgument("policy: more than 64 KiB");
    if (HasForbiddenOctet(text)) return InvalidArgument("policy: a control character");
    for (std::size_t number = 1; !text.empty(); ++number) {
      const std::string where = "policy line " + std::to_string(number);
      const std::size_t end = text.find('\n');
      if (end == text.npos) return InvalidArgument(where + ": does not end with a newline");
      const Words words = SplitWords(text.substr(0, end));
      text.remove_prefix(end + 1);
      if (words.empty() || words[0].starts_with('#')) continue;
      if (auto status = ParseLine(words); !status) {
        return std::move(status).error().WithContext(where);
      }
    }
    if (!has_quorum_) return InvalidArgument("policy: there is no quorum line");
    return std::move(policy_);
  }

 private:
  Result<void> ParseLine(const Words& words) {
    if (words[0] == "log") return ParseLog(words);
    if (words[0] == "witness") return ParseWitness(words);
    if (words[0] == "group") return ParseGroup(words);
    if (words[0] == "quorum") return ParseQuorum(words);
    return InvalidArgument("begins with none of log, witness, group, quorum, #");
  }

  Result<void> ParseLog(const Words& words) {
    if (words.size() < 2 || words.size() > 3) return InvalidArgument("expected log VKEY [URL]");
    if (policy_.logs_.size() == kMaxOfAKind) return InvalidArgument("more than 256 logs");
    TRY(VerifierKey key, VerifierKey::Parse(words[1]));
    if (!log_keys_.insert(key.key().bytes()).second) {
      return InvalidArgument("the same key stands in another log line");
    }
    policy_.logs_.push_back({std::move(key), words.size() == 3 ? std::string(words[2]) : ""});
    return {};
  }

  Result<void> ParseWitness(const Words& words) {
    if (words.size() < 3 || words.size() > 4) {
      return InvalidArgument("expected witness NAME VKEY [URL]");
    }
    if (policy_.witnesses_.size() == kMaxOfAKind) return InvalidArgument("more than 256 witnesses");
    TRY(VerifierKey key, VerifierKey::Parse(words[2]));
    if (key.type() != SignatureType::kCosignature) {
      return InvalidArgument("a witness's key is of type 4, cosignature/v1");
    }
    if (!witness_keys_.insert(key.key().bytes()).second) {
      return InvalidArgument("the same key stands in another witness line");
    }
    TRY_VOID(Define(words[1], {false, policy_.witnesses_.size()}));
    policy_.witnesses_.push_back(
        {std::string(words[1]), std::move(key), words.size() == 4 ? std::string(words[3]) : ""});
    return {};
  }

  Result<void> ParseGroup(const Words& words) {
    if (words.size() < 4) return InvalidArgument("expected group NAME all|any|K NAME...");
    if (policy_.groups_.size() == kMaxOfAKind) return InvalidArgument("more than 256 groups");
    Policy::Group group{std::string(words[1]), 0, {}};
    for (const std::string_view name : std::span(words).subspan(3)) {
      const auto found = names_.find(name);
      if (found == names_.end()) return InvalidArgument("a member is not defined on a line before");
      if (!members_.insert(found->first).second) {
        return InvalidArgument("a member is listed in a group already");
      }
      group.members.push_back(found->second);
    }
    if (words[2] == "any") {
      group.threshold = 1;
    } else if (words[2] == "all") {
      group.threshold = group.members.size();
    } else {
      const auto k = ParseDecimal(words[2]);
      if (!k || *k < 1 || *k > group.members.size()) {
        return InvalidArgument("the threshold is not all, any, or 1 to the number of members");
      }
      group.threshold = static_cast<std::size_t>(*k);
    }
    TRY_VOID(Define(words[1], {true, policy_.groups_.size()}));
    policy_.groups_.push_back(std::move(group));
    return {};
  }

  Result<void> ParseQuorum(const Words& words) {
    if (words.size() != 2) return InvalidArgument("expected quorum NAME, or quorum none");
    if (has_quorum_) return InvalidArgument("a second quorum line");
    has_quorum_ = true;
    if (words[1] == kNone) return {};
    const auto found = names_.find(words[1]);
    if (found == names_.end()) return InvalidArgument("the quorum is not defined on a line before");
    policy_.quorum_ = found->second;
    return {};
  }

  Result<void> Define(std::string_view name, Policy::Member member) {
    if (name == kNone) return InvalidArgument("the name none is taken");
    if (!names_.emplace(name, member).second) return InvalidArgument("the name is taken");
    return {};
  }

  Policy policy_;
  bool has_quorum_ = false;
  std::map<std::string, Policy::Member, std::less<>> names_;
  std::set<std::string, std::less<>> members_;  // of any group
  std::set<std::array<std::uint8_t, 32>> log_keys_;
  std::set<std::array<std::uint8_t, 32>> witness_keys_;
};

Result<Policy> Policy::Parse(std::string_view text) { return PolicyParser().Parse(text); }

const std::string& Policy::NameOf(const Member& member) const {
  return member.is_group ? groups_[member.place].name : witnesses_[member.place].name;
}

std::string Policy::ToText() const {
  std::string text;
  const auto end_with = [&text](const std::string& url) {
    text += url.empty() ? "\n" : " " + url + "\n";
  };
  for (const PolicyLog& log : logs_) {
    text += "log " + log.key.ToText();
    end_with(log.url);
  }
  for (const PolicyWitness& witness : witnesses_) {
    text += "witness " + witness.name + " " + witness.key.ToText();
    end_with(witness.url);
  }
  for (const Group& group : groups_) {
    text += "group " + group.name + " " + std::to_string(group.threshold);
    for (const Member& member : group.members) text += " " + NameOf(member);
    text += "\n";
  }
  return text + "quorum " + (quorum_ ? NameOf(*quorum_) : std::string(kNone)) + "\n";
}

bool Policy::IsQuorum(std::span<const std::size_t> cosigners) const {
  if (!quorum_) return true;
  std::vector<bool> witnesses(witnesses_.size());
  for (const std::size_t place : cosigners) {
    if (place < witnesses.size()) witnesses[place] = true;
  }
  // A group's members stand before it, so that one pass is enough.
  std::vector<bool> groups(groups_.size());
  const auto has_witnessed = [&](const Member& member) -> bool {
    return member.is_group ? groups[member.place] : witnesses[member.place];
  };
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const auto& members = groups_[i].members;
    const auto count = std::count_if(members.begin(), members.end(), has_witnessed);
    groups[i] = static_cast<std::size_t>(count) >= groups_[i].threshold;
  }
  return has_witnessed(*quorum_);
}

Result<VerifiedCheckpoint> Policy::VerifyLog(std::string_view note) const {
  TRY(SignedCheckpoint parsed, SignedCheckpoint::Parse(note));
  VerifiedCheckpoint verified{std::move(parsed.checkpoint), 0, {}};

  std::vector<VerifierKey> keys;  // the logs of this origin, then the witnesses
  std::vector<std::size_t> log_places;
  for (std::size_t i = 0; i < logs_.size(); ++i) {
    if (logs_[i].key.name() != verified.checkpoint.origin) continue;
    keys.push_back(logs_[i].key);
    log_places.push_back(i);
  }
  for (const PolicyWitness& witness : witnesses_) keys.push_back(witness.key);
  TRY(const auto signatures, parsed.note.Verify(keys));

  bool has_log_signed = false;
  for (const VerifiedSignature& signature : signatures) {
    if (signature.key < log_places.size()) {
      if (!has_log_signed) verified.log = log_places[signature.key];
      has_log_signed = true;
    } else {
      verified.cosignatures.push_back(
          {signature.key - log_places.size(), signature.unix_seconds.value_or(0)});
    }
  }
  if (!has_log_signed) {
    return VerificationFailed("no log of the policy has signed the checkpoint under its origin");
  }
  return verified;
}

Result<VerifiedCheckpoint> Policy::Verify(std::string_view note) const {
  TRY(VerifiedCheckpoint verified, VerifyLog(note));
  std::vector<std::size_t> cosigners;
  for (const WitnessTime& cosignature : verified.cosignatures) {
    cosigners.push_back(cosignature.witness);
  }
  if (!IsQuorum(cosigners)) {
    return VerificationFailed("the checkpoint lacks the policy's quorum: " +
                              std::to_string(cosigners.size()) + " of its witnesses cosigned");
  }
  return verified;
}

}  // namespace salus::tlog
