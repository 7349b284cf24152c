// The messages that a second reader of the drafts wrote down octet by octet: testdata/dap18_golden
// .json and dap09_golden.json. Each is read, shown field by field as that reader named them, and
// written back to the same bytes.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>

#include "aggregate/dap_binding.h"
#include "aggregate/dap_golden_show.h"
#include "aggregate/dap_wire.h"
#include "aggregate/share_access.h"
#include "crypto/vector_files.h"

namespace salus::aggregate {
namespace {

using crypto::testing::Unhex;

// What a message was read as, and the bytes that it is written as.
struct Seen {
  Json fields;
  Bytes bytes;
};

using Reader = std::function<Result<Seen>(DapVersion, ByteSpan, const Json& fields)>;

// Messages that depend on the version, and those that do not.
template <typename T>
Result<Seen> ReadVersioned(DapVersion version, ByteSpan bytes, const Json&) {
  TRY(const T message, T::Parse(version, bytes));
  return Seen{Show(message, version), message.Encode(version)};
}

template <typename T>
Result<Seen> ReadPlain(DapVersion, ByteSpan bytes, const Json&) {
  TRY(const T message, T::Parse(bytes));
  return Seen{Show(message), message.Encode()};
}

Result<Seen> ReadShare(DapVersion version, ByteSpan bytes, const Json&) {
  TRY(const PlaintextInputShare share, PlaintextInputShare::Parse(version, SecretBytes(bytes)));
  return Seen{Show(share, version), ToBytes(share.Encode(version).view(ShareAccess::Token()))};
}

Result<Seen> ReadOneExtension(DapVersion, ByteSpan bytes, const Json&) {
  TRY(const DapExtension extension, ParseWhole("Extension", bytes, ReadExtension));
  DapWriter out;
  WriteExtension(out, extension);
  return Seen{Show(extension), std::move(out).Take()};
}

Result<Seen> ReadStatus(DapVersion, ByteSpan bytes, const Json&) {
  TRY(const UploadErrors errors, UploadErrors::Parse(bytes));
  if (errors.statuses.size() != 1) return InvalidArgument("not one status");
  return Seen{Show(errors.statuses[0]), errors.Encode()};
}

Result<Seen> ReadPingPong(DapVersion version, ByteSpan bytes, const Json&) {
  TRY(const PingPongMessage message, PingPongMessage::Parse(bytes));
  return Seen{Show(message, version), message.Encode()};
}

Result<Seen> ReadPartial(DapVersion, ByteSpan bytes, const Json&) {
  TRY(const auto batch_id, ParseWhole("PartialBatchSelector", bytes, ReadPartialBatchSelector));
  DapWriter out;
  WritePartialBatchSelector(out, batch_id);
  return Seen{ShowPartial(batch_id), std::move(out).Take()};
}

// An interval that stands alone in a struct, under this name.
Reader ReadIntervalNamed(std::string name) {
  return [name](DapVersion, ByteSpan bytes, const Json&) -> Result<Seen> {
    TRY(const DapInterval interval, DapInterval::Parse(bytes));
    return Seen{Object{{name, Show(interval)}}, interval.Encode()};
  };
}

Result<Seen> ReadBatchId(DapVersion, ByteSpan bytes, const Json&) {
  TRY(const BatchId id, BatchId::FromBytes(bytes));
  return Seen{Object{{"batch_id", Hex(id.span())}}, ToBytes(id.span())};
}

struct InputAad {
  TaskId task_id;
  TaskConfiguration task;
  ReportMetadata metadata;
  Bytes public_share;
};

Result<InputAad> ParseInputAad(DapVersion version, ByteSpan bytes) {
  return ParseWhole("InputShareAad", bytes, [&](DapReader& in) -> Result<InputAad> {
    InputAad aad;
    TRY(aad.task_id, in.ReadId<TaskId>("task_id"));
    if (version == DapVersion::k18) {
      TRY(aad.task, ReadTaskConfiguration(in));
    }
    TRY(aad.metadata, ReadMetadata(in, version));
    TRY(const ByteSpan public_share, in.Vector<std::uint32_t>("public_share"));
    aad.public_share = ToBytes(public_share);
    return aad;
  });
}

Result<Seen> ReadInputAad(DapVersion version, ByteSpan bytes, const Json&) {
  TRY(const InputAad aad, ParseInputAad(version, bytes));
  Object fields{{"task_id", Hex(aad.task_id.span())},
                {"report_metadata", Show(aad.metadata, version)},
                {"public_share", Hex(aad.public_share)}};
  Bytes configuration;
  if (version == DapVersion::k18) {
    fields["task_configuration"] = Show(aad.task);
    configuration = aad.task.Encode();
  }
  return Seen{fields, EncodeInputShareAad(version, aad.task_id, configuration, aad.metadata,
                                          aad.public_share)};
}

Result<Seen> ReadAggregateAad(DapVersion version, ByteSpan bytes, const Json&) {
  return ParseWhole("AggregateShareAad", bytes, [&](DapReader& in) -> Result<Seen> {
    TRY(const TaskId task_id, in.ReadId<TaskId>("task_id"));
    Object fields{{"task_id", Hex(task_id.span())}};
    Bytes configuration;
    CollectionJobReq request;
    DapBatchSelector selector;
    if (version == DapVersion::k18) {
      TRY(const TaskConfiguration task, ReadTaskConfiguration(in));
      TRY(request, ReadCollectionJobReq(in, version));
      configuration = task.Encode();
      fields["task_configuration"] = Show(task);
      fields["collection_job_req"] = Show(request, version);
    } else {
      TRY(const ByteSpan agg_param, in.Vector<std::uint32_t>("agg_param"));
      request.agg_param = ToBytes(agg_param);
      TRY(selector, ReadBatchSelector(in, version));
      fields["agg_param"] = Hex(agg_param);
      fields["batch_selector"] = Show(selector, version);
    }
    return Seen{fields,
                EncodeAggregateShareAad(version, task_id, configuration, request, selector)};
  });
}

// What we only write: the fields are given, and the bytes are ours.
Result<Seen> WriteInfo(DapVersion version, const Json& fields, bool is_input) {
  const std::string_view name = fields.at("server_role").as_string();
  const DapRole role = name == "leader" ? DapRole::kLeader : DapRole::kHelper;
  return Seen{Object{{"server_role", role == DapRole::kLeader ? "leader" : "helper"}},
              is_input ? InputShareInfo(version, role) : AggregateShareInfo(version, role)};
}

Result<Seen> WriteContext(DapVersion version, ByteSpan, const Json& fields) {
  TRY(const TaskId id, TaskId::FromBytes(Unhex(fields.at("task_id").as_string())));
  DapTaskParameters task;
  task.version = version;
  task.id = id;
  task.leader_url = "https://l.example";
  task.helper_url = "https://h.example";
  task.purpose = task.statistic.name = "test";
  TRY(const DapTask made, DapTask::Create(task));
  return Seen{Object{{"task_id", Hex(made.id().span())}}, ToBytes(made.context())};
}

Reader WriteVdaf(Circuit circuit) {
  return [circuit](DapVersion, ByteSpan, const Json& fields) -> Result<Seen> {
    VdafInstance vdaf = {.circuit = circuit};
    Object seen;
    for (const auto& [name, value] : fields.as_object()) {
      const std::uint64_t number = value.is_string() ? std::stoull(std::string(value.as_string()))
                                                     : value.to_number<std::uint64_t>();
      if (name == "max_measurement") vdaf.max_measurement = number;
      if (name == "length") vdaf.length = static_cast<std::uint32_t>(number);
      if (name == "chunk_length") vdaf.chunk_length = static_cast<std::uint32_t>(number);
      if (name == "max_weight") vdaf.max_weight = static_cast<std::uint32_t>(number);
      seen[name] = value;
    }
    return Seen{seen, EncodeVdafConfiguration(vdaf)};
  };
}

const std::map<std::string, Reader, std::less<>>& Readers() {
  static const std::map<std::string, Reader, std::less<>> readers = {
      {"AggregateShare", ReadPlain<DapAggregateShare>},
      {"AggregateShareAad", ReadAggregateAad},
      {"AggregateShareInfo", [](DapVersion version, ByteSpan,
                                const Json& fields) { return WriteInfo(version, fields, false); }},
      {"AggregateShareReq", ReadVersioned<AggregateShareReq>},
      {"AggregationJobContinueReq", ReadVersioned<AggregationJobContinueReq>},
      {"AggregationJobExtension", ReadOneExtension},
      {"AggregationJobInitReq", ReadVersioned<AggregationJobInitReq>},
      {"AggregationJobResp", ReadVersioned<AggregationJobResp>},
      {"BatchSelector", ReadVersioned<DapBatchSelector>},
      {"Collection", ReadVersioned<CollectionJobResp>},
      {"CollectionJobExtension", ReadOneExtension},
      {"CollectionJobReq", ReadVersioned<CollectionJobReq>},
      {"CollectionJobResp", ReadVersioned<CollectionJobResp>},
      {"CollectionReq", ReadVersioned<CollectionJobReq>},
      {"Extension", ReadOneExtension},
      {"HpkeCiphertext", ReadPlain<HpkeCiphertext>},
      {"HpkeConfig", ReadPlain<DapHpkeConfig>},
      {"HpkeConfigList", ReadPlain<HpkeConfigList>},
      {"InputShareAad", ReadInputAad},
      {"InputShareInfo", [](DapVersion version, ByteSpan,
                            const Json& fields) { return WriteInfo(version, fields, true); }},
      {"Interval", ReadPlain<DapInterval>},
      {"LeaderSelectedBatchSelectorConfig", ReadBatchId},
      {"PartialBatchSelector", ReadPartial},
      {"PingPongMessage", ReadPingPong},
      {"PlaintextInputShare", ReadShare},
      {"PrepareContinue", ReadVersioned<VerifyContinue>},
      {"PrepareInit", ReadVersioned<VerifyInit>},
      {"PrepareResp", ReadVersioned<VerifyResp>},
      {"Prio3CountConfig", WriteVdaf(Circuit::kCount)},
      {"Prio3HistogramConfig", WriteVdaf(Circuit::kHistogram)},
      {"Prio3MultihotCountVecConfig", WriteVdaf(Circuit::kMultihotCountVec)},
      {"Prio3SumConfig", WriteVdaf(Circuit::kSum)},
      {"Prio3SumVecConfig", WriteVdaf(Circuit::kSumVec)},
      {"Query", ReadVersioned<DapQuery>},
      {"Report", ReadVersioned<DapReport>},
      {"ReportMetadata", ReadVersioned<ReportMetadata>},
      {"ReportShare", ReadVersioned<DapReportShare>},
      {"ReportUploadStatus", ReadStatus},
      {"TaskConfiguration", ReadPlain<TaskConfiguration>},
      {"TaskExtension", ReadOneExtension},
      {"TaskIntervalTaskExtension", ReadIntervalNamed("task_interval")},
      {"TimeIntervalBatchSelectorConfig", ReadIntervalNamed("batch_interval")},
      {"TimeIntervalQueryConfig", ReadIntervalNamed("batch_interval")},
      {"UploadErrors", ReadPlain<UploadErrors>},
      {"UploadRequest", ReadVersioned<UploadRequest>},
      {"VdafContext", WriteContext},
      {"VerifyContinue", ReadVersioned<VerifyContinue>},
      {"VerifyInit", ReadVersioned<VerifyInit>},
      {"VerifyResp", ReadVersioned<VerifyResp>},
  };
  return readers;
}

Result<Seen> Read(DapVersion version, std::string_view type, ByteSpan bytes, const Json& fields) {
  const auto reader = Readers().find(type);
  if (reader == Readers().end()) {
    throw std::runtime_error("no reader of " + std::string(type));
  }
  return reader->second(version, bytes, fields);
}

// Rules that no single message shows broken, or that are answered in their own way: where they are
// checked, after the message was read.
bool BreaksRule(DapVersion version, std::string_view name, std::string_view type, ByteSpan bytes) {
  if (type == "ReportMetadata") {
    const auto metadata = ReportMetadata::Parse(version, bytes).value();
    const auto& extensions = metadata.public_extensions;
    // An extension that nobody knows is refused by who knows which there are.
    if (name == "public extension unknown") return !extensions.empty();
    return !InStrictOrder(extensions);
  }
  if (type == "PlaintextInputShare") {
    const auto share = PlaintextInputShare::Parse(version, SecretBytes(bytes)).value();
    return version == DapVersion::k18 ? !InStrictOrder(share.private_extensions)
                                      : !HaveNoTypeTwice(share.private_extensions);
  }
  if (name == "same extension public and private") {
    const auto aad = ParseInputAad(version, bytes).value();
    const std::vector<DapExtension> others = {{3, {}}};
    return !HaveNoTypeTwice(aad.metadata.public_extensions, others);
  }
  if (name == "collection extensions not in order") {
    return !InStrictOrder(CollectionJobReq::Parse(version, bytes).value().extensions);
  }
  if (name == "selector outside of the query") {
    const auto request = AggregateShareReq::Parse(version, bytes).value();
    return !request.collection_job_req.query.interval.Contains(request.batch_selector.interval);
  }
  if (name == "query of no duration") {
    return !CollectionJobReq::Parse(version, bytes).value().query.interval.is_well_formed();
  }
  if (name.starts_with("query ")) {  // DAP-09: with a precision of 1000 seconds
    const DapInterval interval = CollectionJobReq::Parse(version, bytes).value().query.interval;
    return !interval.is_well_formed() || interval.start % 1000 != 0 ||
           interval.duration % 1000 != 0;
  }
  // The task, or the request that a message answers, decides.
  static constexpr std::string_view kByAggregators[] = {
      "job extension unknown",   "leader-selected job without batch ID",
      "report twice in a job",   "parameter for Prio3",
      "continuation of step 0",  "report twice in a continuation",
      "answer in another order", "collection extension unknown",
      "selector of another mode"};
  return std::ranges::find(kByAggregators, name) != std::end(kByAggregators);
}

class Golden : public testing::TestWithParam<DapVersion> {
 protected:
  Golden()
      : file_(crypto::testing::ReadJsonFile(
            std::string(SALUS_TESTDATA) +
            (GetParam() == DapVersion::k18 ? "/dap18_golden.json" : "/dap09_golden.json"))) {}

  const Array& List(std::string_view name) const { return file_.at(name).as_array(); }

  Json file_;
};

TEST_P(Golden, MessagesAreReadAndWrittenBack) {
  for (const Json& one : List("cases")) {
    crypto::testing::Fields fields(one.as_object());
    const std::string name = fields.Text("name"), type = fields.Text("type");
    if (type == "Poplar1Config") continue;  // not a VDAF of ours
    const Bytes bytes = fields.HexBytes("hex");
    const Result<Seen> seen = Read(GetParam(), type, bytes, fields.At("fields"));
    fields.Ignore({"section", "note"});
    fields.ExpectAllRead(name);
    ASSERT_TRUE(seen) << name << ": " << seen.error().message;
    EXPECT_EQ(seen->fields, fields.At("fields")) << name;
    EXPECT_EQ(Hex(seen->bytes), Hex(bytes)) << name;
  }
}

TEST_P(Golden, WhatIsNoMessageOrBreaksARuleIsRefused) {
  for (const Json& one : List("refused")) {
    crypto::testing::Fields fields(one.as_object());
    const std::string name = fields.Text("name"), type = fields.Text("type");
    const std::string layer = fields.Text("layer");
    const Bytes bytes = fields.HexBytes("hex");
    const Result<Seen> seen = Read(GetParam(), type, bytes, Json());
    if (seen && fields.Has("fields")) {
      EXPECT_EQ(seen->fields, fields.At("fields")) << name;
    }
    // A message that we refuse to read has no fields.
    fields.Ignore({"section", "reason", "answer", "fields"});
    fields.ExpectAllRead(name);
    if (!seen) {
      EXPECT_EQ(seen.error().code, ErrorCode::kInvalidArgument) << name;
    } else {
      EXPECT_EQ(layer, "rule") << name << " was read";
      EXPECT_TRUE(BreaksRule(GetParam(), name, type, bytes)) << name;
    }
  }
}

TEST_P(Golden, WhatTheDraftLeavesOpenIsRefusedOrWrittenBack) {
  for (const Json& one : List("unsettled")) {
    crypto::testing::Fields fields(one.as_object());
    const std::string name = fields.Text("name");
    const Bytes bytes = fields.HexBytes("hex");
    const Result<Seen> seen = Read(GetParam(), fields.Text("type"), bytes, Json());
    fields.Ignore({"section", "why"});
    fields.ExpectAllRead(name);
    if (seen) {
      EXPECT_EQ(Hex(seen->bytes), Hex(bytes)) << name;
    }
  }
}

TEST_P(Golden, ValuesDerivedFromIdsAgree) {
  for (const Json& one : List("derived")) {
    crypto::testing::Fields fields(one.as_object());
    crypto::testing::Fields from(fields.At("from").as_object());
    const std::string name = fields.Text("name"), value = fields.Text("value");
    if (from.Has("report_ids")) {
      BatchChecksum checksum{};
      for (const Json& id : from.At("report_ids").as_array()) {
        AddToChecksum(checksum, ReportId::FromBytes(Unhex(id.as_string())).value());
      }
      EXPECT_EQ(Hex(checksum), value) << name;
    } else {
      const Bytes id = from.HexBytes("id");
      EXPECT_EQ(id.size() == 32 ? TaskId::FromBytes(id).value().ToText()
                                : AggregationJobId::FromBytes(id).value().ToText(),
                value)
          << name;
    }
    fields.Ignore({"section"});
    fields.ExpectAllRead(name);
    from.ExpectAllRead(name);
  }
}

INSTANTIATE_TEST_SUITE_P(Drafts, Golden, testing::Values(DapVersion::k18, DapVersion::k09),
                         [](const auto& version) {
                           return version.param == DapVersion::k18 ? "Dap18" : "Dap09";
                         });

}  // namespace
}  // namespace salus::aggregate
