#include "bench/population.h"

#include <algorithm>

#include "bench/workload.h"

namespace salus::bench {

namespace {

// Between an old day's last events and a new day's first: clear of midnight on either side.
constexpr std::chrono::minutes kAfterMidnight{1};

void PutPatients(Population& population, const PopulationOptions& options) {
  constexpr std::uint32_t kRowsPerCall = 1000;
  std::vector<audit::PatientRow> rows;
  for (std::uint32_t i = 0; i < options.patients; ++i) {
    const bool is_last = i + 1 == options.patients;
    audit::PatientRow row;
    row.subject = PatientSubject(i);
    row.key = is_last && options.last_key ? *options.last_key
                                          : crypto::P256PrivateKey::Generate().public_key();
    rows.push_back(std::move(row));
    if (rows.size() == kRowsPerCall || is_last) {
      OrDie("register patients", population.node->PutPatients(rows));
      rows.clear();
    }
  }
}

void PutAuditors(Population& population, const PopulationOptions& options) {
  std::vector<audit::Subject> patients;
  for (std::uint32_t i = 0; i < options.patients; ++i) patients.push_back(PatientSubject(i));
  for (std::uint32_t i = 1; i <= options.auditors; ++i) {
    const std::string id = "auditor-" + std::to_string(i);
    const audit::AuditorRow row{.subject = {audit::SubjectKind::kAuditor, "", id},
                                .name = id,
                                .key = crypto::P256PrivateKey::Generate().public_key(),
                                .origin = {}};
    OrDie("register an auditor", population.node->PutAuditor(row));
    OrDie("set a mandate",
          population.node->PutMandate(id, patients, "benchmark", std::nullopt, std::nullopt));
  }
}

}  // namespace

Population MakePopulation(const PopulationOptions& options, const Clock& clock,
                          RandomSource& random, const Figures& figures) {
  Progress("making a directory with " + std::to_string(options.patients) + " patients");
  node::InitOptions init;
  init.directory = options.directory;
  init.origin = "bench.invalid/log";
  init.public_port = 0;
  init.machine_port = 0;
  Population population;
  population.root_fingerprint =
      OrDie("init", node::Node::Init(init, clock, random)).root_fingerprint;
  population.node = OrDie(
      "open", node::Node::Open(options.directory, node::NodeAccess::kReadWrite, clock, random));
  OrDie("register a source", population.node->PutSource(kSourceId, "benchmark"));
  population.source = population.node->directory().FindSource(kSourceId).value();

  auto start = std::chrono::steady_clock::now();
  PutPatients(population, options);
  figures.Add("registration of a patient with a key", options.patients / SecondsSince(start), "/s");
  start = std::chrono::steady_clock::now();
  PutAuditors(population, options);
  if (options.auditors > 0) {
    figures.Add("mandate over a patient",
                static_cast<double>(options.patients) * options.auditors / SecondsSince(start),
                "/s");
  }
  return population;
}

audit::Subject PatientSubject(std::uint32_t patient) {
  return {audit::SubjectKind::kPatient, "", Workload::PatientId(patient)};
}

Timestamp ShiftedClock::Now() const {
  return system_.Now() + std::chrono::milliseconds(shift_ms_.load());
}

std::chrono::steady_clock::time_point ShiftedClock::Monotonic() const {
  return system_.Monotonic() + std::chrono::milliseconds(shift_ms_.load());
}

void ShiftedClock::ToNextDay() {
  const Timestamp next(DayOf(Now()) + std::chrono::days(1) + kAfterMidnight);
  Shift(std::chrono::duration_cast<std::chrono::milliseconds>(next - Now()));
}

}  // namespace salus::bench
