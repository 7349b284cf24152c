// What a source may send wrong: each bad line gets its own precise error, and the good lines around
// it are logged.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>

#include "node_fixture.h"

namespace salus::integration {
namespace {

constexpr std::string_view kMarker = "zq-marker-zq";  // in every bad line, in no message

struct BadLine {
  const char* name;
  std::string line;
  std::vector<std::string> says;  // the member or place, and the reason or what to do
};

std::string With(std::string_view member, std::string_view value) {
  constexpr std::string_view kNames[] = {"id", "time", "patient", "user", "action", "record"};
  constexpr std::string_view kValues[] = {"\"zq-marker-zq\"", "\"2025-11-20T09:00:00Z\"",
                                          "\"patient-1\"",    "\"zq-marker-zq\"",
                                          "\"read\"",         "\"zq-marker-zq\""};
  std::string line = "{";
  bool is_known = false;
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    const bool is_it = kNames[i] == member;
    is_known = is_known || is_it;
    if (is_it && value.empty()) continue;
    if (line.size() > 1) line += ',';
    line += fmt::format("\"{}\":{}", kNames[i], is_it ? value : kValues[i]);
  }
  if (!is_known) line += fmt::format(",\"{}\":{}", member, value);
  return line + "}";
}

std::string Quoted(std::size_t length) { return "\"" + std::string(length, 'x') + "\""; }

std::string Repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::vector<BadLine> BadJson() {
  const std::string whole = With("record", "\"zq-marker-zq\"");
  return {
      {"no JSON", "zq-marker-zq", {"json", "byte 0"}},
      {"cut off", whole.substr(0, whole.size() - 5), {"json", "string is not closed"}},
      {"an array", "[\"zq-marker-zq\"]", {"json", "object"}},
      {"text behind", whole + " zq-marker-zq", {"json", "byte"}},
      {"a comma too many", whole.substr(0, whole.size() - 1) + ",}", {"json", "byte"}},
      {"single quotes", "{'id':'zq-marker-zq'}", {"json", "byte"}},
      {"a raw control character",
       With("record", "\"zq-marker-zq\x01\""),
       {"json", "control character"}},
      {"a lone surrogate", With("record", "\"zq-marker-zq\\ud800\""), {"json", "byte"}},
      {"overlong UTF-8", With("record", "\"zq-marker-zq\xc0\xaf\""), {"json", "UTF-8"}},
      {"cut UTF-8", With("record", "\"zq-marker-zq\xe2\x82\""), {"json", "UTF-8"}},
      {"a surrogate as UTF-8", With("record", "\"zq-marker-zq\xed\xa0\x80\""), {"json", "UTF-8"}},
      {"a duplicate member",
       With("x", "1").replace(1, 0, "\"user\":\"zq-marker-zq\","),
       {"json", "byte", "duplicate"}},
      {"an escaped duplicate",
       With("us\\u0065r", "\"zq-marker-zq\""),
       {"json", "byte", "duplicate"}},
      {"deep nesting", With("record", Repeat("[", 40) + Repeat("]", 40)), {"json", "deep"}},
      {"deeper nesting",
       With("record", Repeat("[", 10'000) + Repeat("]", 10'000)),
       {"json", "deep"}},
      {"many members", "{" + Repeat("\"zq-marker-zq\":1,", 70) + "\"a\":1}", {"json"}},
      {"a long line", With("original", Quoted(70'000)), {"json", "64 KiB"}},
  };
}

std::vector<BadLine> BadMembers() {
  return {
      {"no id", With("id", ""), {"id", "missing"}},
      {"no time", With("time", ""), {"time", "missing"}},
      {"no patient", With("patient", ""), {"patient", "missing"}},
      {"no user", With("user", ""), {"user", "missing"}},
      {"no action", With("action", ""), {"action", "missing"}},
      {"null is absent", With("user", "null"), {"user", "missing"}},
      {"an empty user", With("user", "\"\""), {"user", "empty"}},
      {"an empty id", With("id", "\"\""), {"id", "empty"}},
      {"a long id", With("id", Quoted(129)), {"id", "128"}},
      {"a long patient", With("patient", Quoted(129)), {"patient", "128"}},
      {"a long user", With("user", Quoted(129)), {"user", "128"}},
      {"a long system", With("system", Quoted(129)), {"system", "128"}},
      {"a long record", With("record", Quoted(257)), {"record", "256"}},
      {"a long purpose", With("purpose", Quoted(33)), {"purpose", "32"}},
      {"a long detail", With("detail", Quoted(2049)), {"detail", "2048"}},
      {"a long original", With("original", Quoted(32'769)), {"original", "32768"}},
      {"a newline in an id", With("id", "\"zq-marker-zq\\n\""), {"id", "control"}},
      {"a zero in a patient", With("patient", "\"zq-marker-zq\\u0000\""), {"patient", "control"}},
      {"a number as user", With("user", "7"), {"user", "string"}},
      {"an object as record", With("record", "{\"zq-marker-zq\":1}"), {"record", "string"}},
      {"an unknown action", With("action", "\"zq-marker-zq\""), {"action", "create, read"}},
      {"an action in capitals", With("action", "\"READ\""), {"action", "create, read"}},
      {"an unknown member", With("zq-marker-zq", "1"), {"unknown member", "byte", "docs/"}},
      {"a source", With("source", "\"zq-marker-zq\""), {"source", "leave it out"}},
      {"an outcome of 5", With("outcome", "5"), {"outcome", "0, 4, 8 or 12"}},
      {"an outcome as text", With("outcome", "\"4\""), {"outcome"}},
      {"a negative seq", With("seq", "-1"), {"seq"}},
      {"a seq with a fraction", With("seq", "1.5"), {"seq"}},
  };
}

std::vector<BadLine> BadTimes() {
  const auto time = [](const char* name, std::string_view text, std::vector<std::string> says) {
    says.emplace_back("time");
    return BadLine{name, With("time", fmt::format("\"{}\"", text)), std::move(says)};
  };
  return {
      time("no offset", "2025-11-20T09:00:00", {}),
      time("a day only", "2025-11-20", {}),
      time("the 31st of November", "2025-11-31T09:00:00Z", {}),
      time("the 29th of February", "2025-02-29T09:00:00Z", {}),
      time("hour 25", "2025-11-20T25:00:00Z", {}),
      time("a leap second", "2016-12-31T23:59:60Z", {}),
      time("words", "zq-marker-zq", {}),
      time("before 1970", "1969-12-31T23:59:59.999Z", {"1970"}),
      time("the year 1", "0001-01-01T00:00:00Z", {"1970"}),
      time("ahead", "2025-11-20T10:05:00.001Z", {"5 minutes ahead", "clock"}),
      time("far ahead", "9999-12-31T23:59:59Z", {"5 minutes ahead", "clock"}),
      {"a number as time", With("time", "1763632800"), {"time", "string"}},
  };
}

std::vector<BadLine> AllBadLines() {
  std::vector<BadLine> all = BadJson();
  for (auto& bad : BadMembers()) all.push_back(std::move(bad));
  for (auto& bad : BadTimes()) all.push_back(std::move(bad));
  return all;
}

TEST(BadInputTest, EachBadLineGetsItsErrorAndTheOthersAreLogged) {
  NodeFixture fixture(5);
  const std::vector<BadLine> bad = AllBadLines();
  std::string lines;
  for (std::size_t i = 0; i < bad.size(); ++i) {
    lines += fixture.Line(static_cast<int>(i % 5), i) + bad[i].line + "\n";
  }
  const auto batch = fixture.Send(lines);
  ASSERT_TRUE(batch) << batch.error().message;
  ASSERT_EQ(batch->lines.size(), 2 * bad.size());
  std::uint64_t logged = 0;
  std::vector<bool> seen(2 * bad.size());
  for (const audit::RecordedLine& line : batch->lines) {
    ASSERT_GE(line.line, 1u);
    ASSERT_LE(line.line, seen.size());
    EXPECT_FALSE(seen[line.line - 1]);
    seen[line.line - 1] = true;
    if (line.line % 2 == 1) {
      EXPECT_TRUE(line.outcome) << line.line << ": " << line.outcome.error().message;
      ++logged;
      continue;
    }
    const BadLine& expected = bad[line.line / 2 - 1];
    ASSERT_FALSE(line.outcome) << expected.name;
    const Error& error = line.outcome.error();
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << expected.name;
    for (const std::string& part : expected.says) {
      EXPECT_NE(error.message.find(part), std::string::npos)
          << expected.name << ": \"" << error.message << "\" does not say " << part;
    }
    EXPECT_EQ(error.message.find(kMarker), std::string::npos)
        << expected.name << " repeats its input: " << error.message;
  }
  EXPECT_EQ(logged, bad.size());
  // And they are in the log: the same lines are repeats.
  const auto again = fixture.Send(lines);
  ASSERT_TRUE(again);
  for (const audit::RecordedLine& line : again->lines) {
    if (!line.outcome) continue;
    EXPECT_EQ(line.outcome->kind, tlog::OutcomeKind::kRepeat);
  }
}

TEST(BadInputTest, OneBadLineRefusesAnAtomicRequestWhole) {
  NodeFixture fixture(2);
  const auto source = fixture.node->directory().FindSource(NodeFixture::kSource);
  const std::uint64_t before = fixture.node->log().record_count();
  const std::string lines =
      fixture.Line(0, 1) + With("action", "\"look\"") + "\n" + fixture.Line(1, 2);
  std::promise<Result<audit::RecordedBatch>> promise;
  fixture.node->recorder().RecordLines(
      *source, lines, {.is_atomic = true},
      [&promise](Result<audit::RecordedBatch> done) { promise.set_value(std::move(done)); });
  const auto batch = promise.get_future().get();
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->lines.size(), 3u);
  for (const audit::RecordedLine& line : batch->lines) EXPECT_FALSE(line.outcome);
  EXPECT_EQ(fixture.node->log().record_count(), before);
}

TEST(BadInputTest, LimitsThemselvesAreTaken) {
  NodeFixture fixture(2);
  const std::string id(128, 'i');
  const std::string lines =
      fixture.Line(0, 1,
                   fmt::format(R"(,"detail":{},"original":{})", Quoted(2048), Quoted(32'768))) +
      With("time", "\"2025-11-20T10:05:00.000Z\"") + "\r\n\n" +
      With("time", "\"1970-01-01T00:00:00Z\"").replace(6, 14, "\"" + id + "\"");
  const auto batch = fixture.Send(lines);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->lines.size(), 3u);
  for (const audit::RecordedLine& line : batch->lines) {
    EXPECT_TRUE(line.outcome) << line.line << ": " << line.outcome.error().message;
  }
}

// What officers, registrars and patients send is measured too, before anything is signed.
TEST(BadActTest, WhatIsTooLongOrNoSealedMessageIsRefusedAndNothingIsLogged) {
  NodeFixture fixture(2);
  const audit::Subject patient = NodeFixture::Patient(0);
  const Day today = DayOf(fixture.clock.Now());
  const std::uint64_t before = fixture.node->log().record_count();
  const std::string longer(66'000, 'x');
  audit::PatientRow named;
  named.subject = patient;
  audit::AuditorRow auditor = *fixture.node->directory().FindAuditor("auditor-a");
  for (const std::string& name : {longer, std::string("a\x1b[2J"), std::string("\u202egpj")}) {
    named.name = name;
    auditor.name = name;
    EXPECT_FALSE(fixture.node->PutPatient(named));
    EXPECT_FALSE(fixture.node->PutAuditor(auditor));
    EXPECT_FALSE(fixture.node->PutSource("other", name));
    EXPECT_FALSE(fixture.node->PutMandate("auditor-a", {patient}, name, {}, {}));
  }
  for (const std::string_view sealed : {std::string_view("x"), std::string_view(longer),
                                        std::string_view("eyJhbGciOiJkaXIifQ....")}) {
    const Result<void> shared = fixture.node->ShareDays(patient, "auditor-a", today, today, sealed);
    ASSERT_FALSE(shared);
    EXPECT_EQ(shared.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(fixture.node->PutMandate("auditor-a", {patient}, "", {}, {}));
  EXPECT_FALSE(
      fixture.node->PutMandate("auditor-a", {patient}, "q", today, today - std::chrono::days(1)));
  EXPECT_EQ(fixture.node->log().record_count(), before);
}

// The naming system of a hospital may be an address; it is repeated with every patient.
TEST(BadActTest, AMandateOverManyPatientsWithLongIdsIsLogged) {
  NodeFixture fixture(1);
  std::vector<audit::PatientRow> rows(480);
  std::vector<audit::Subject> patients;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].subject = *audit::Subject::Create(audit::SubjectKind::kPatient, std::string(87, 's'),
                                              fmt::format("{:0>47}", i));
    patients.push_back(rows[i].subject);
  }
  ASSERT_TRUE(fixture.node->PutPatients(rows));
  const Result<void> put = fixture.node->PutMandate("auditor-a", patients, "q", {}, {});
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(fixture.node->directory().FindMandate("auditor-a")->patients.size(), rows.size());
}

}  // namespace
}  // namespace salus::integration
