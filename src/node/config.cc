#include "node/config.h"

#include <fmt/format.h>

#include <stdexcept>

// Some malformed texts (a name that begins with a stroke) end in an assertion of the parser: it
// refuses the file, and does not end the process.
[[noreturn]] static void RefuseToml() { throw std::invalid_argument("it is malformed"); }
#define TOML_ASSERT(expression) static_cast<void>((expression) || (RefuseToml(), false))
#include <toml++/toml.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <sstream>

#include "pki/identity.h"
#include "tlog/policy.h"

namespace salus::node {

namespace {

Error Bad(std::string_view key, const toml::node& node, std::string_view reason) {
  return InvalidArgument(
      fmt::format("salus.toml line {}: {}: {}", node.source().begin.line, key, reason));
}

using Reader = std::function<Result<void>(std::string_view key, const toml::node& node)>;

Reader Text(std::string& out) {
  return [&out](std::string_view key, const toml::node& node) -> Result<void> {
    const auto value = node.value<std::string>();
    if (!value || !node.is_string()) return Bad(key, node, "must be a string");
    out = *value;
    return {};
  };
}

template <typename Int>
Reader Number(Int& out, std::int64_t low, std::int64_t high) {
  return [&out, low, high](std::string_view key, const toml::node& node) -> Result<void> {
    const auto value = node.value<std::int64_t>();
    if (!node.is_integer() || !value || *value < low || *value > high) {
      return Bad(key, node, fmt::format("must be a whole number from {} to {}", low, high));
    }
    out = static_cast<Int>(*value);
    return {};
  };
}

Reader Milliseconds(std::chrono::milliseconds& out) {
  return [&out](std::string_view key, const toml::node& node) -> Result<void> {
    std::int64_t ms = 0;
    TRY_VOID(Number(ms, 1, 86'400'000)(key, node));
    out = std::chrono::milliseconds(ms);
    return {};
  };
}

Reader Flag(bool& out) {
  return [&out](std::string_view key, const toml::node& node) -> Result<void> {
    if (!node.is_boolean()) return Bad(key, node, "must be true or false");
    out = *node.value<bool>();
    return {};
  };
}

Reader List(std::vector<std::string>& out) {
  return [&out](std::string_view key, const toml::node& node) -> Result<void> {
    const toml::array* array = node.as_array();
    if (array == nullptr) return Bad(key, node, "must be a list of strings");
    for (const toml::node& item : *array) {
      if (!item.is_string()) return Bad(key, item, "must be a list of strings");
      out.push_back(*item.value<std::string>());
    }
    return {};
  };
}

constexpr std::string_view kRoles[] = {"none", "leader", "helper", "both"};

Reader AggregateRole(Config::Aggregate& out) {
  return [&out](std::string_view key, const toml::node& node) -> Result<void> {
    const std::string role = node.value<std::string>().value_or("");
    const auto found = std::find(std::begin(kRoles), std::end(kRoles), role);
    if (!node.is_string() || found == std::end(kRoles)) {
      return Bad(key, node, "must be none, leader, helper or both");
    }
    out.is_leader = role == "leader" || role == "both";
    out.is_helper = role == "helper" || role == "both";
    return {};
  };
}

std::string_view RoleText(const Config::Aggregate& aggregate) {
  return kRoles[(aggregate.is_leader ? 1 : 0) + (aggregate.is_helper ? 2 : 0)];
}

std::map<std::string, Reader, std::less<>> ReadersOf(Config& c) {
  return {
      {"log.origin", Text(c.origin)},
      {"log.policy", Text(c.policy)},
      {"log.public_entries", Flag(c.public_entries)},
      {"log.followers", List(c.followers)},
      {"log.map_verifiers", List(c.map_verifiers)},
      {"log.interval_loaded_ms", Milliseconds(c.interval_loaded)},
      {"log.interval_quiet_ms", Milliseconds(c.interval_quiet)},
      {"log.interval_idle_ms", Milliseconds(c.interval_idle)},
      {"server.public_address", Text(c.public_address)},
      {"server.public_port", Number(c.public_port, 0, 65535)},
      {"server.machine_address", Text(c.machine_address)},
      {"server.machine_port", Number(c.machine_port, 0, 65535)},
      {"server.metrics_port", Number(c.metrics_port, 0, 65535)},
      {"server.spool", Text(c.spool)},
      {"server.max_body_bytes", Number(c.max_body_bytes, 1024, std::int64_t{1} << 40)},
      {"server.max_connections", Number(c.max_connections, 1, 1'000'000)},
      {"server.threads", Number(c.threads, 0, 256)},
      {"aggregate.role", AggregateRole(c.aggregate)},
      {"aggregate.job_reports", Number(c.aggregate.job_reports, 1, 100'000)},
      {"aggregate.threads", Number(c.aggregate.threads, 1, 256)},
      {"aggregate.interval_ms", Milliseconds(c.aggregate.interval)},
      {"aggregate.late_ms", Milliseconds(c.aggregate.late)},
      {"aggregate.key_days", Number(c.aggregate.key_days, 0, 3650)},
      {"aggregate.keep_days", Number(c.aggregate.keep_days, 1, 36500)},
      {"aggregate.identity", Text(c.aggregate.identity)},
      {"aggregate.transcripts", Flag(c.aggregate.transcripts)},
  };
}

// Whoever recomputes the map, or copies the log, must be somebody of its own: never a source, which
// would judge itself, nor a reader.
Result<void> CheckAdmitted(std::string_view key, const std::string& origin,
                           const std::vector<std::string>& admitted) {
  for (std::size_t i = 0; i < admitted.size(); ++i) {
    const Result<pki::Identity> identity = pki::Identity::Parse(admitted[i]);
    const bool is_ours = identity && identity->origin == origin;
    if (is_ours && identity->role == pki::Role::kWitness) continue;
    const std::string found = !identity ? "is no identity"
                              : !is_ours
                                  ? "is an identity of another origin"
                                  : fmt::format("is of the role {}", pki::RoleName(identity->role));
    return InvalidArgument(
        fmt::format("salus.toml: {}[{}]: {}: only witnesses are admitted, urn:salus:ORIGIN:witness:"
                    "ID",
                    key, i, found));
  }
  return {};
}

Result<void> Check(const Config& config) {
  if (Result<void> ok = pki::ValidateOrigin(config.origin); !ok) {
    return std::move(ok.error()).WithContext("salus.toml: log.origin");
  }
  TRY_VOID(CheckAdmitted("log.followers", config.origin, config.followers));
  TRY_VOID(CheckAdmitted("log.map_verifiers", config.origin, config.map_verifiers));
  Result<tlog::Policy> policy = tlog::Policy::Parse(config.policy);
  if (!policy) return std::move(policy.error()).WithContext("salus.toml: log.policy");
  // A checkpoint may be published once the quorum has cosigned it, and nobody asks witnesses yet:
  // better no server than one that publishes without them.
  if (!policy->IsQuorum({})) {
    return FailedPrecondition(
        "salus.toml: log.policy: this version asks no witnesses, so that its quorum would never be "
        "reached: use `quorum none`");
  }
  return {};
}

}  // namespace

Result<Config> Config::Parse(std::string_view text) {
  Config config;
  toml::table table;
  try {
    table = toml::parse(text, std::string_view("salus.toml"));
  } catch (const toml::parse_error& error) {
    return InvalidArgument(
        fmt::format("salus.toml line {}: {}", error.source().begin.line, error.description()));
  } catch (const std::invalid_argument& error) {
    return InvalidArgument(fmt::format("salus.toml: {}", error.what()));
  }
  const auto readers = ReadersOf(config);
  for (const auto& [section, content] : table) {
    const toml::table* members = content.as_table();
    if (members == nullptr) return Bad(section.str(), content, "must be a section");
    for (const auto& [name, value] : *members) {
      const std::string key = fmt::format("{}.{}", section.str(), name.str());
      const auto reader = readers.find(key);
      if (reader == readers.end()) return Bad(key, value, "is not a known key");
      TRY_VOID(reader->second(key, value));
    }
  }
  TRY_VOID(Check(config));
  return config;
}

std::string Config::ToToml() const {
  toml::array follower_list;
  for (const std::string& f : followers) follower_list.push_back(f);
  toml::array verifier_list;
  for (const std::string& v : map_verifiers) verifier_list.push_back(v);
  const auto ms = [](std::chrono::milliseconds d) { return std::int64_t{d.count()}; };
  const toml::table table{
      {"log", toml::table{{"origin", origin},
                          {"policy", policy},
                          {"public_entries", public_entries},
                          {"followers", follower_list},
                          {"map_verifiers", verifier_list},
                          {"interval_loaded_ms", ms(interval_loaded)},
                          {"interval_quiet_ms", ms(interval_quiet)},
                          {"interval_idle_ms", ms(interval_idle)}}},
      {"server", toml::table{{"public_address", public_address},
                             {"public_port", public_port},
                             {"machine_address", machine_address},
                             {"machine_port", machine_port},
                             {"metrics_port", metrics_port},
                             {"spool", spool},
                             {"max_body_bytes", static_cast<std::int64_t>(max_body_bytes)},
                             {"max_connections", std::int64_t{max_connections}},
                             {"threads", std::int64_t{threads}}}},
      {"aggregate", toml::table{{"role", RoleText(aggregate)},
                                {"job_reports", std::int64_t{aggregate.job_reports}},
                                {"threads", std::int64_t{aggregate.threads}},
                                {"interval_ms", ms(aggregate.interval)},
                                {"late_ms", ms(aggregate.late)},
                                {"key_days", std::int64_t{aggregate.key_days}},
                                {"keep_days", std::int64_t{aggregate.keep_days}},
                                {"identity", aggregate.identity},
                                {"transcripts", aggregate.transcripts}}}};
  std::ostringstream out;
  out << table << "\n";
  return out.str();
}

}  // namespace salus::node
