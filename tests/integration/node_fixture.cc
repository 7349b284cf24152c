#include "node_fixture.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <future>

#include "base/check.h"
#include "codec/rfc3339.h"
#include "node/config.h"

namespace salus::integration {

ScratchFolder::ScratchFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "salus_test_XXXXXX").string();
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

int Rounds(int usual, int nightly) {
  const char* value = std::getenv("SALUS_NIGHTLY");
  return value != nullptr && std::string_view(value) == "1" ? nightly : usual;
}

std::uint64_t RandomSeed() {
  const char* value = std::getenv("SALUS_SEED");
  return value == nullptr ? 1 : std::strtoull(value, nullptr, 10);
}

void MakeDataDirectory(const std::string& path, const Clock& clock, RandomSource& random) {
  node::InitOptions options;
  options.directory = path;
  options.origin = NodeFixture::kOrigin;
  const auto made = node::Node::Init(options, clock, random);
  ASSERT_TRUE(made) << made.error().message;
  node::Config config;
  config.origin = NodeFixture::kOrigin;
  config.interval_loaded = config.interval_quiet = config.interval_idle = std::chrono::hours(24);
  std::ofstream(path + "/salus.toml") << config.ToToml();
}

Result<audit::RecordedBatch> RecordAndWait(node::Node& node, const audit::SourceRow& source,
                                           std::string_view lines) {
  std::promise<Result<audit::RecordedBatch>> promise;
  node.recorder().RecordLines(source, lines, {}, [&promise](Result<audit::RecordedBatch> batch) {
    promise.set_value(std::move(batch));
  });
  return promise.get_future().get();
}

NodeFixture::NodeFixture(int patients) : patient_count(patients) {
  MakeDataDirectory(directory, clock, random);
  Open();
  std::vector<audit::PatientRow> rows;
  for (int i = 0; i < patients; ++i) {
    patient_keys.push_back(crypto::P256PrivateKey::Generate());
    audit::PatientRow row;
    row.subject = Patient(i);
    row.key = patient_keys.back().public_key();
    rows.push_back(std::move(row));
  }
  EXPECT_TRUE(node->PutPatients(rows));
  EXPECT_TRUE(node->PutSource(kSource, "Ward system"));
  for (const char* id : {"auditor-a", "auditor-b"}) {
    auditor_keys.push_back(crypto::P256PrivateKey::Generate());
    EXPECT_TRUE(node->PutAuditor({Auditor(id), id, auditor_keys.back().public_key(), {}}));
    std::vector<audit::Subject> readable;
    for (int i = 0; i < (auditor_keys.size() == 1 ? patients / 2 : patients); ++i) {
      readable.push_back(Patient(i));
    }
    EXPECT_TRUE(node->PutMandate(id, readable, "quality", std::nullopt, std::nullopt));
  }
}

void NodeFixture::Open(node::NodeAccess access) {
  node.reset();
  auto opened = node::Node::Open(directory, access, clock, random);
  ASSERT_TRUE(opened) << opened.error().message;
  node = *std::move(opened);
}

audit::Subject NodeFixture::Patient(int i) {
  return {audit::SubjectKind::kPatient, "", PatientId(i)};
}

audit::Subject NodeFixture::Auditor(std::string_view id) {
  return {audit::SubjectKind::kAuditor, "", std::string(id)};
}

std::string NodeFixture::Line(int patient, std::uint64_t event, std::string_view more) const {
  return fmt::format(R"({{"id":"event-{}","time":"{}","patient":"{}","user":"user-{}",)"
                     R"("action":"read","record":"record-{}"{}}})"
                     "\n",
                     event, codec::FormatRfc3339(clock.Now()), PatientId(patient), event % 17,
                     event, more);
}

audit::RecordedBatch NodeFixture::Record(std::uint64_t first_event, std::uint64_t count) {
  std::string lines;
  for (std::uint64_t i = first_event; i < first_event + count; ++i) {
    lines += Line(static_cast<int>(i) % patient_count, i);
  }
  auto batch = Send(lines);
  EXPECT_TRUE(batch) << batch.error().message;
  if (!batch) return {};
  for (const audit::RecordedLine& line : batch->lines) {
    EXPECT_TRUE(line.outcome) << line.outcome.error().message;
  }
  return *std::move(batch);
}

Result<audit::RecordedBatch> NodeFixture::Send(std::string_view lines) {
  const auto source = node->directory().FindSource(kSource);
  CHECK(source.has_value());
  return RecordAndWait(*node, *source, lines);
}

}  // namespace salus::integration
