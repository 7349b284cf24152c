#include "aggregate/dap_aggregation.h"

#include <algorithm>

#include "aggregate/dap_wire.h"

namespace salus::aggregate {
namespace {

// A list of job messages: all that is left in DAP-18, a vector that is not empty in DAP-09.
Result<DapReader> OpenList(DapReader& in, DapVersion version, std::string_view field) {
  if (version == DapVersion::k09) return in.List<std::uint32_t>(field, 1);
  DapReader rest = in;
  TRY_VOID(in.Fixed(field, in.left()));
  return rest;
}

template <typename T, typename Read>
Result<std::vector<T>> ReadList(DapReader& in, DapVersion version, std::string_view field,
                                Read read) {
  TRY(DapReader list, OpenList(in, version, field));
  std::vector<T> elements;
  while (!list.AtEnd()) {
    TRY(T element, read(list, version));
    elements.push_back(std::move(element));
  }
  return elements;
}

template <typename T, typename Write>
void WriteList(DapWriter& out, DapVersion version, const std::vector<T>& elements, Write write) {
  const std::size_t begin = version == DapVersion::k09 ? out.Begin<std::uint32_t>() : 0;
  for (const T& element : elements) write(out, version, element);
  if (version == DapVersion::k09) out.End<std::uint32_t>(begin, 1);
}

Result<Bytes> ReadPayload(DapReader& in, DapVersion version) {
  TRY(const ByteSpan payload, in.Vector<std::uint32_t>("payload", MinPayloadBytes(version)));
  return ToBytes(payload);
}

void WritePayload(DapWriter& out, DapVersion version, const Bytes& payload) {
  out.Vector<std::uint32_t>(payload, MinPayloadBytes(version));
}

Result<DapReportShare> ReadReportShare(DapReader& in, DapVersion version) {
  DapReportShare share;
  TRY(share.metadata, ReadMetadata(in, version));
  TRY(const ByteSpan public_share, in.Vector<std::uint32_t>("public_share"));
  share.public_share = ToBytes(public_share);
  TRY(share.encrypted_input_share, ReadCiphertext(in));
  return share;
}

void WriteReportShare(DapWriter& out, DapVersion version, const DapReportShare& share) {
  WriteMetadata(out, version, share.metadata);
  out.Vector<std::uint32_t>(share.public_share);
  WriteCiphertext(out, share.encrypted_input_share);
}

Result<VerifyInit> ReadVerifyInit(DapReader& in, DapVersion version) {
  VerifyInit init;
  TRY(init.report_share, ReadReportShare(in, version));
  TRY(init.payload, ReadPayload(in, version));
  return init;
}

void WriteVerifyInit(DapWriter& out, DapVersion version, const VerifyInit& init) {
  WriteReportShare(out, version, init.report_share);
  WritePayload(out, version, init.payload);
}

Result<VerifyContinue> ReadVerifyContinue(DapReader& in, DapVersion version) {
  VerifyContinue step;
  TRY(step.id, in.ReadId<ReportId>("report_id"));
  TRY(step.payload, ReadPayload(in, version));
  return step;
}

void WriteVerifyContinue(DapWriter& out, DapVersion version, const VerifyContinue& step) {
  out.Fixed(step.id.span());
  WritePayload(out, version, step.payload);
}

Result<VerifyResp> ReadVerifyResp(DapReader& in, DapVersion version, UnknownErrors unknown) {
  TRY(const ReportId id, in.ReadId<ReportId>("report_id"));
  TRY(const std::uint8_t type, in.U8("verify_resp_type"));
  switch (type) {
    case static_cast<std::uint8_t>(VerifyRespType::kContinue): {
      TRY(Bytes payload, ReadPayload(in, version));
      return VerifyResp::Continue(id, std::move(payload));
    }
    case static_cast<std::uint8_t>(VerifyRespType::kFinish):
      return VerifyResp::Finish(id);
    case static_cast<std::uint8_t>(VerifyRespType::kReject): {
      TRY(const ReportError error, ReadReportError(in, version, unknown));
      return VerifyResp::Reject(id, error);
    }
    default:
      return in.Fault("verify_resp_type", "it is not continue (0), finish (1) or reject (2)");
  }
}

void WriteVerifyResp(DapWriter& out, DapVersion version, const VerifyResp& resp) {
  out.Fixed(resp.id.span());
  out.U8(static_cast<std::uint8_t>(resp.type));
  if (resp.type == VerifyRespType::kContinue) WritePayload(out, version, resp.payload);
  if (resp.type == VerifyRespType::kReject) WriteReportError(out, version, resp.error);
}

// The batch of a job: an extension among the others.
Result<void> ReadJobExtensions(DapReader& in, AggregationJobInitReq& request) {
  TRY(request.extensions, ReadExtensions(in, "extensions"));
  if (!InStrictOrder(request.extensions)) {
    return in.Fault("extensions", "they are not in the order of their types, each once");
  }
  const auto batch = std::ranges::find(request.extensions, AggregationJobInitReq::kBatchIdExtension,
                                       &DapExtension::type);
  if (batch == request.extensions.end()) return {};
  const Result<BatchId> id = BatchId::FromBytes(batch->data);
  if (!id) return in.Fault("leader_selected_batch_id", "a batch id is 32 bytes");
  request.batch_id = *id;
  request.extensions.erase(batch);
  return {};
}

void WriteJobExtensions(DapWriter& out, const AggregationJobInitReq& request) {
  std::vector<DapExtension> extensions = request.extensions;
  if (request.batch_id) {
    const auto place = std::ranges::find_if(extensions, [](const DapExtension& extension) {
      return extension.type > AggregationJobInitReq::kBatchIdExtension;
    });
    extensions.insert(
        place, {AggregationJobInitReq::kBatchIdExtension, ToBytes(request.batch_id->span())});
  }
  CHECK(InStrictOrder(extensions));
  WriteExtensions(out, extensions);
}

Result<AggregationJobInitReq> ReadInitReq(DapReader& in, DapVersion version) {
  AggregationJobInitReq request;
  if (version == DapVersion::k18) {
    TRY(request.verification_key_id, in.U8("verification_key_id"));
  }
  TRY(const ByteSpan agg_param, in.Vector<std::uint32_t>("agg_param"));
  request.agg_param = ToBytes(agg_param);
  if (version == DapVersion::k18) {
    TRY_VOID(ReadJobExtensions(in, request));
  } else {
    TRY(request.batch_id, ReadPartialBatchSelector(in));
  }
  TRY(request.verify_inits, ReadList<VerifyInit>(in, version, "verify_inits", ReadVerifyInit));
  return request;
}

}  // namespace

Result<std::optional<BatchId>> ReadPartialBatchSelector(DapReader& in) {
  TRY(const BatchMode mode, ReadBatchMode(in));
  if (mode == BatchMode::kTimeInterval) return std::optional<BatchId>();
  TRY(const BatchId id, in.ReadId<BatchId>("batch_id"));
  return std::optional<BatchId>(id);
}

void WritePartialBatchSelector(DapWriter& out, const std::optional<BatchId>& batch_id) {
  const BatchMode mode = batch_id ? BatchMode::kLeaderSelected : BatchMode::kTimeInterval;
  out.U8(static_cast<std::uint8_t>(mode));
  if (batch_id) out.Fixed(batch_id->span());
}

Result<DapReportShare> DapReportShare::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("ReportShare", bytes,
                    [&](DapReader& in) { return ReadReportShare(in, version); });
}

Bytes DapReportShare::Encode(DapVersion version) const {
  DapWriter out;
  WriteReportShare(out, version, *this);
  return std::move(out).Take();
}

Result<VerifyInit> VerifyInit::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("VerifyInit", bytes,
                    [&](DapReader& in) { return ReadVerifyInit(in, version); });
}

Bytes VerifyInit::Encode(DapVersion version) const {
  DapWriter out;
  WriteVerifyInit(out, version, *this);
  return std::move(out).Take();
}

Result<AggregationJobInitReq> AggregationJobInitReq::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("AggregationJobInitReq", bytes,
                    [&](DapReader& in) { return ReadInitReq(in, version); });
}

Bytes AggregationJobInitReq::Encode(DapVersion version) const {
  DapWriter out;
  if (version == DapVersion::k18) out.U8(verification_key_id);
  out.Vector<std::uint32_t>(agg_param);
  if (version == DapVersion::k18) {
    WriteJobExtensions(out, *this);
  } else {
    CHECK(extensions.empty());
    WritePartialBatchSelector(out, batch_id);
  }
  WriteList(out, version, verify_inits, WriteVerifyInit);
  return std::move(out).Take();
}

Result<VerifyContinue> VerifyContinue::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("VerifyContinue", bytes,
                    [&](DapReader& in) { return ReadVerifyContinue(in, version); });
}

Bytes VerifyContinue::Encode(DapVersion version) const {
  DapWriter out;
  WriteVerifyContinue(out, version, *this);
  return std::move(out).Take();
}

Result<AggregationJobContinueReq> AggregationJobContinueReq::Parse(DapVersion version,
                                                                   ByteSpan bytes) {
  return ParseWhole(
      "AggregationJobContinueReq", bytes, [&](DapReader& in) -> Result<AggregationJobContinueReq> {
        AggregationJobContinueReq request;
        TRY(request.step, in.U16("step"));
        TRY(request.verify_continues,
            ReadList<VerifyContinue>(in, version, "verify_continues", ReadVerifyContinue));
        return request;
      });
}

Bytes AggregationJobContinueReq::Encode(DapVersion version) const {
  DapWriter out;
  out.Be(step);
  WriteList(out, version, verify_continues, WriteVerifyContinue);
  return std::move(out).Take();
}

VerifyResp VerifyResp::Continue(const ReportId& id, Bytes payload) {
  return {.id = id, .type = VerifyRespType::kContinue, .payload = std::move(payload)};
}

VerifyResp VerifyResp::Finish(const ReportId& id) {
  return {.id = id, .type = VerifyRespType::kFinish, .payload = {}};
}

VerifyResp VerifyResp::Reject(const ReportId& id, ReportError error) {
  return {.id = id, .type = VerifyRespType::kReject, .payload = {}, .error = error};
}

Result<VerifyResp> VerifyResp::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("VerifyResp", bytes, [&](DapReader& in) {
    return ReadVerifyResp(in, version, UnknownErrors::kRefuse);
  });
}

Bytes VerifyResp::Encode(DapVersion version) const {
  DapWriter out;
  WriteVerifyResp(out, version, *this);
  return std::move(out).Take();
}

Result<AggregationJobResp> AggregationJobResp::Parse(DapVersion version, ByteSpan bytes,
                                                     UnknownErrors unknown) {
  return ParseWhole("AggregationJobResp", bytes, [&](DapReader& in) -> Result<AggregationJobResp> {
    AggregationJobResp resp;
    const auto read = [unknown](DapReader& list, DapVersion its_version) {
      return ReadVerifyResp(list, its_version, unknown);
    };
    TRY(resp.verify_resps, ReadList<VerifyResp>(in, version, "verify_resps", read));
    return resp;
  });
}

Bytes AggregationJobResp::Encode(DapVersion version) const {
  DapWriter out;
  WriteList(out, version, verify_resps, WriteVerifyResp);
  return std::move(out).Take();
}

}  // namespace salus::aggregate
