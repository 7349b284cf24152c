// Reports that an independent client of DAP-09 made and uploaded: testdata/dap09_reports.json says
// which. They are read, opened with the aggregators' keys, verified and summed.
#include <gtest/gtest.h>

#include "aggregate/dap_binding.h"
#include "aggregate/dap_hpke_key.h"
#include "aggregate/dap_report.h"
#include "aggregate/ping_pong.h"
#include "aggregate/prio3.h"
#include "crypto/vector_files.h"

namespace salus::aggregate {
namespace {

using crypto::testing::Fields;

struct Opened {
  std::string name;
  VdafInstance vdaf;
  std::uint64_t measurement;
  DapReport report;
  SecretBytes leader_share;
  SecretBytes helper_share;
};

DapHpkeKey ReadKey(const boost::json::value& json) {
  Fields fields(json.as_object());
  const auto list = HpkeConfigList::Parse(fields.HexBytes("hpke_config_list")).value();
  const Bytes key = fields.HexBytes("private_key");
  fields.ExpectAllRead("key");
  return DapHpkeKey::Load(list.configs.at(0), SecretArray<32>(ByteSpan(key).first<32>())).value();
}

SecretBytes Open(const DapHpkeKey& key, DapRole role, const TaskId& task_id,
                 const DapReport& report) {
  const Bytes aad =
      EncodeInputShareAad(DapVersion::k09, task_id, {}, report.metadata, report.public_share);
  const HpkeCiphertext& sealed =
      role == DapRole::kLeader ? report.leader_share : report.helper_share;
  const SecretBytes plain = key.Open(InputShareInfo(DapVersion::k09, role), aad, sealed).value();
  auto share = PlaintextInputShare::Parse(DapVersion::k09, plain).value();
  EXPECT_TRUE(share.private_extensions.empty());
  return std::move(share.payload);
}

std::vector<Opened> ReadReports() {
  const auto json =
      crypto::testing::ReadJsonFile(std::string(SALUS_TESTDATA) + "/dap09_reports.json");
  Fields file(json.as_object());
  const TaskId task_id = TaskId::FromBytes(file.HexBytes("task_id")).value();
  const auto precision_s = static_cast<std::uint64_t>(file.Number("time_precision_s"));
  const DapHpkeKey leader = ReadKey(file.At("leader")), helper = ReadKey(file.At("helper"));
  std::vector<Opened> reports;
  for (const auto& one : file.At("cases").as_array()) {
    Fields fields(one.as_object());
    Opened& opened = reports.emplace_back();
    const Bytes bytes = fields.HexBytes("report");
    const auto upload = UploadRequest::Parse(DapVersion::k09, bytes).value();
    EXPECT_EQ(upload.Encode(DapVersion::k09), bytes);
    opened.report = upload.reports.at(0);
    EXPECT_EQ(opened.report.metadata.time % precision_s, 0u);
    const bool is_sum = fields.Text("circuit") == "sum";
    opened.vdaf = {.profile = VdafProfile::kDraft08,
                   .circuit = is_sum ? Circuit::kSum : Circuit::kCount,
                   .max_measurement = is_sum ? 255u : 0u};
    opened.measurement = static_cast<std::uint64_t>(fields.Number("measurement"));
    opened.name = fields.Text("circuit") + " of " + std::to_string(opened.measurement);
    opened.leader_share = Open(leader, DapRole::kLeader, task_id, opened.report);
    opened.helper_share = Open(helper, DapRole::kHelper, task_id, opened.report);
    fields.ExpectAllRead(opened.name);
  }
  file.Ignore({"about"});
  file.ExpectAllRead("file");
  return reports;
}

TEST(OtherClient, SealsSharesThatOpen) {
  const auto reports = ReadReports();
  EXPECT_EQ(reports.size(), 4u);
  for (const Opened& one : reports) {
    EXPECT_GT(one.leader_share.size(), one.helper_share.size()) << one.name;
  }
}

TEST(OtherClient, MakesReportsThatVerify) {
  for (Opened& one : ReadReports()) {
    const auto prio3 = Prio3::Create(one.vdaf);
    ASSERT_TRUE(prio3) << one.name << ": " << prio3.error().message;
    const SecretBytes verify_key((*prio3)->verify_key_bytes());
    const ByteSpan nonce = one.report.metadata.id.span();
    const ReportShare leader = {nonce, one.report.public_share, &one.leader_share};
    const ReportShare helper = {nonce, one.report.public_share, &one.helper_share};
    auto first = PingPongLeaderInit(**prio3, verify_key, {}, leader);
    ASSERT_TRUE(first) << one.name << ": " << first.error().message;
    auto answer = PingPongHelperInit(**prio3, verify_key, {}, helper, first->outbound);
    ASSERT_TRUE(answer) << one.name << ": " << answer.error().message;
    auto last = PingPongLeaderContinued(**prio3, std::move(first->state), answer->outbound);
    ASSERT_TRUE(last) << one.name << ": " << last.error().message;
    std::vector<SecretBytes> shares;
    shares.push_back(*std::move(last));
    shares.push_back(std::move(answer->output_share));
    EXPECT_EQ(static_cast<std::uint64_t>((*prio3)->Unshard(shares, 1).value().at(0)),
              one.measurement);
  }
}

}  // namespace
}  // namespace salus::aggregate
