#include "aggregate/task_file.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "aggregate/share_access.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace salus::aggregate {
namespace {

using codec::JsonObject;
using codec::Within;

constexpr std::size_t kMaxFileBytes = 64 * 1024;
constexpr std::size_t kMaxRootBytes = 16 * 1024;
constexpr std::size_t kMaxUrlBytes = 1024;
constexpr std::size_t kMinTokenBytes = 16, kMaxTokenBytes = 256;

constexpr std::string_view kVerifyKey = "verify_key", kAggregatorToken = "aggregator_token",
                           kCollectorToken = "collector_token", kCollectorKey = "collector_key";
constexpr std::array kSecretMembers = {kVerifyKey, kAggregatorToken, kCollectorToken,
                                       kCollectorKey};

struct NamedParty {
  TaskParty party;
  std::string_view name;
  std::vector<std::string_view> members;  // beside those of all
};

const std::vector<NamedParty>& Parties() {
  static const std::vector<NamedParty> parties = {
      {TaskParty::kClient, "client", {}},
      {TaskParty::kLeader,
       "leader",
       {"helper_machine_url", "study", "collector_config", kVerifyKey, kAggregatorToken,
        kCollectorToken}},
      {TaskParty::kHelper, "helper", {"study", "collector_config", kVerifyKey, kAggregatorToken}},
      {TaskParty::kCollector,
       "collector",
       {"leader_machine_url", "collector_config", kCollectorToken, kCollectorKey}},
  };
  return parties;
}

const NamedParty& Entry(TaskParty party) { return Parties()[static_cast<std::size_t>(party)]; }

Result<std::string> BoundedAt(const JsonObject& object, std::string_view name, std::size_t limit) {
  TRY(const std::string_view text, codec::StringAt(object, name));
  if (text.empty() || text.size() > limit) {
    return InvalidArgument(std::string(name) + ": is 1 to " + std::to_string(limit) + " bytes");
  }
  return std::string(text);
}

Result<std::string> OptionalUrlAt(const JsonObject& object, std::string_view name) {
  if (!object.contains(name)) return std::string();
  TRY(std::string url, BoundedAt(object, name, kMaxUrlBytes));
  if (!url.starts_with("https://")) {
    return InvalidArgument(std::string(name) + ": is https://HOST:PORT");
  }
  return url;
}

Result<SecretBytes> KeyAt(const JsonObject& object, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(object, name));
  SecretBytes bytes(text.size() / 4 * 3 + text.size() % 4 * 3 / 4);
  if (!codec::Base64UrlDecodeInto(text, bytes.mutable_view(ShareAccess::Token()))) {
    return InvalidArgument(std::string(name) + ": is not base64url");
  }
  return bytes;
}

bool IsTokenCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

Result<SecretBytes> TokenAt(const JsonObject& object, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(object, name));
  if (text.size() < kMinTokenBytes || text.size() > kMaxTokenBytes ||
      !std::ranges::all_of(text, IsTokenCharacter)) {
    return InvalidArgument(std::string(name) + ": is 16 to 256 characters of a bearer token");
  }
  return SecretBytes(AsBytes(text));
}

Result<TaskStudy> ReadStudy(const JsonObject& object) {
  TRY_VOID(codec::CheckMembers(object, {"name", "measure", "budget"}));
  TaskStudy study;
  TRY(study.name, BoundedAt(object, "name", PrivacyLedger::kMaxStudyBytes));
  TRY(const std::string_view measure, codec::StringAt(object, "measure"));
  if (measure != "epsilon" && measure != "rho") {
    return InvalidArgument("measure: is epsilon or rho");
  }
  study.measure = measure == "rho" ? PrivacyMeasure::kRho : PrivacyMeasure::kEpsilon;
  TRY(const std::string_view budget, codec::StringAt(object, "budget"));
  Result<Rational> amount = Rational::Parse(budget);
  if (!amount) return Within("budget", std::move(amount.error()));
  // One value has one text, so that a file is written back as it was.
  if (amount->is_zero() || amount->ToText() != budget) {
    return InvalidArgument("budget: is above 0, in lowest terms");
  }
  study.budget = *amount;
  return study;
}

JsonObject StudyJson(const TaskStudy& study) {
  JsonObject object;
  object["name"] = study.name;
  object["measure"] = study.measure == PrivacyMeasure::kRho ? "rho" : "epsilon";
  object["budget"] = study.budget.ToText();
  return object;
}

Result<void> ReadAggregatorParts(const JsonObject& object, TaskFile& file) {
  TRY(file.verify_key, KeyAt(object, kVerifyKey));
  TRY(file.aggregator_token, TokenAt(object, kAggregatorToken));
  TRY(const JsonObject* study, codec::OptionalObjectAt(object, "study"));
  if (study != nullptr) {
    Result<TaskStudy> read = ReadStudy(*study);
    if (!read) return Within("study", std::move(read.error()));
    file.study = *std::move(read);
  }
  if (file.study.has_value() != file.task.parameters().noise.has_value()) {
    return InvalidArgument("study: is there when the task has noise, and only then");
  }
  return {};
}

Result<void> ReadCollectorConfig(const JsonObject& object, TaskFile& file) {
  TRY(const std::string_view text, codec::StringAt(object, "collector_config"));
  Result<Bytes> bytes = codec::Base64UrlDecode(text);
  if (!bytes) return Within("collector_config", std::move(bytes.error()));
  Result<DapHpkeConfig> config = DapHpkeConfig::Parse(*bytes);
  if (!config) return Within("collector_config", std::move(config.error()));
  file.collector_config = *std::move(config);
  return {};
}

Result<void> ReadParty(const JsonObject& object, TaskFile& file) {
  if (file.party == TaskParty::kClient) return {};
  TRY_VOID(ReadCollectorConfig(object, file));
  if (file.party != TaskParty::kCollector) {
    TRY_VOID(ReadAggregatorParts(object, file));
  }
  if (file.party != TaskParty::kHelper) {
    TRY(file.collector_token, TokenAt(object, kCollectorToken));
  }
  if (file.party == TaskParty::kLeader) {
    TRY(file.helper_machine_url, OptionalUrlAt(object, "helper_machine_url"));
  }
  if (file.party == TaskParty::kCollector) {
    TRY(file.leader_machine_url, OptionalUrlAt(object, "leader_machine_url"));
    TRY(const SecretBytes key, KeyAt(object, kCollectorKey));
    if (key.size() != 32) return InvalidArgument("collector_key: is 32 bytes in base64url");
    file.collector_key.emplace(key.view(ShareAccess::Token()).first<32>());
  }
  return {};
}

// SecretText is JSON text that grows by members that are secrets.
class SecretText {
 public:
  explicit SecretText(const JsonObject& open) : text_(AsBytes(codec::WriteJson(open))) {}

  void AddToken(std::string_view name, const SecretBytes& token) {
    if (token.empty()) return;
    AddMember(name, token.size(), [&](MutableByteSpan out) {
      std::ranges::copy(token.view(ShareAccess::Token()), out.begin());
    });
  }
  void AddKey(std::string_view name, ByteSpan key) {
    if (key.empty()) return;
    AddMember(name, codec::Base64UrlSize(key.size()),
              [&](MutableByteSpan out) { codec::Base64UrlEncodeInto(key, out); });
  }
  SecretBytes Take() { return std::move(text_); }

 private:
  template <typename Write>
  void AddMember(std::string_view name, std::size_t value_bytes, Write write) {
    const std::string before = ",\"" + std::string(name) + "\":\"";
    const std::size_t kept = text_.size() - 1;  // without the last brace
    SecretBytes longer(kept + before.size() + value_bytes + 2);
    const MutableByteSpan out = longer.mutable_view(ShareAccess::Token());
    std::ranges::copy(text_.view(ShareAccess::Token()).first(kept), out.begin());
    std::ranges::copy(AsBytes(before), out.begin() + static_cast<std::ptrdiff_t>(kept));
    write(out.subspan(kept + before.size(), value_bytes));
    out[out.size() - 2] = '"';
    out[out.size() - 1] = '}';
    text_ = std::move(longer);
  }

  SecretBytes text_;
};

}  // namespace

std::string_view TaskPartyName(TaskParty party) { return Entry(party).name; }

Result<TaskFile> TaskFile::Parse(const SecretBytes& text) {
  if (text.size() > kMaxFileBytes) return InvalidArgument("a task file is at most 64 KiB");
  TRY(codec::Json json, codec::ParseJson(AsText(text.view(ShareAccess::Token()))));
  const codec::WipedMembers wipe(json, kSecretMembers);
  TRY(const JsonObject* object, codec::AsObject(json, "the task file"));
  TRY(const std::string_view party, codec::StringAt(*object, "party"));
  const auto entry = std::ranges::find(Parties(), party, &NamedParty::name);
  if (entry == Parties().end()) {
    return InvalidArgument("party: is client, leader, helper or collector");
  }
  std::vector<std::string_view> members = {"party", "task", "leader_root", "helper_root"};
  members.insert(members.end(), entry->members.begin(), entry->members.end());
  TRY_VOID(codec::CheckMembers(*object, members));
  TRY(const JsonObject* task_json, codec::ObjectAt(*object, "task"));
  Result<DapTask> task = DapTask::FromJson(codec::WriteJson(*task_json));
  if (!task) return Within("task", std::move(task.error()));
  TaskFile file{
      .party = entry->party, .task = *std::move(task), .leader_root = {}, .helper_root = {}};
  TRY(file.leader_root, BoundedAt(*object, "leader_root", kMaxRootBytes));
  TRY(file.helper_root, BoundedAt(*object, "helper_root", kMaxRootBytes));
  TRY_VOID(ReadParty(*object, file));
  return file;
}

SecretBytes TaskFile::ToText() const {
  JsonObject object;
  object["party"] = TaskPartyName(party);
  object["task"] = *codec::ParseJson(task.ToJson());
  object["leader_root"] = leader_root;
  object["helper_root"] = helper_root;
  if (!leader_machine_url.empty()) object["leader_machine_url"] = leader_machine_url;
  if (!helper_machine_url.empty()) object["helper_machine_url"] = helper_machine_url;
  if (study) object["study"] = StudyJson(*study);
  if (collector_config) {
    object["collector_config"] = codec::Base64UrlEncode(collector_config->Encode());
  }
  SecretText text(object);
  text.AddKey(kVerifyKey, verify_key.view(ShareAccess::Token()));
  text.AddToken(kAggregatorToken, aggregator_token);
  text.AddToken(kCollectorToken, collector_token);
  if (collector_key) text.AddKey(kCollectorKey, collector_key->view(ShareAccess::Token()));
  return text.Take();
}

Result<AggregatorTask> TaskFile::ToAggregatorTask() const {
  if (party != TaskParty::kLeader && party != TaskParty::kHelper) {
    return InvalidArgument("this is the " + std::string(TaskPartyName(party)) +
                           "'s file of the task: an aggregator needs the leader's or helper's");
  }
  return AggregatorTask{.task = task,
                        .role = party == TaskParty::kLeader ? DapRole::kLeader : DapRole::kHelper,
                        .verify_key = verify_key.Clone(),
                        .collector_config = *collector_config,
                        .aggregator_token = aggregator_token.Clone(),
                        .collector_token = collector_token.Clone()};
}

SecretBytes NewToken(RandomSource& random) {
  const SecretArray<32> bytes(random.Array<32>());
  SecretBytes token(codec::Base64UrlSize(32));
  codec::Base64UrlEncodeInto(bytes.view(ShareAccess::Token()),
                             token.mutable_view(ShareAccess::Token()));
  return token;
}

}  // namespace salus::aggregate
