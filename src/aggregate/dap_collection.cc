#include "aggregate/dap_collection.h"

#include "aggregate/dap_wire.h"
#include "crypto/sha256.h"

namespace salus::aggregate {
namespace {

// What kind of batch of the leader's choice a collector of DAP-09 asks for.
enum class FixedSizeQuery : std::uint8_t { kByBatchId = 0, kCurrentBatch = 1 };

// DAP-18 puts what depends on the mode into a vector, DAP-09 stands it there as it is.
Result<DapReader> OpenConfig(DapReader& in, DapVersion version) {
  if (version == DapVersion::k18) return in.List<std::uint16_t>("config");
  return in;
}

Result<void> CloseConfig(DapReader& in, DapVersion version, const DapReader& config) {
  if (version == DapVersion::k18) return config.Finish("config");
  in = config;
  return {};
}

Result<DapQuery> ReadQuery(DapReader& in, DapVersion version) {
  DapQuery query;
  TRY(query.mode, ReadBatchMode(in));
  TRY(DapReader config, OpenConfig(in, version));
  if (query.mode == BatchMode::kTimeInterval) {
    TRY(query.interval, ReadInterval(config, "batch_interval"));
  } else if (version == DapVersion::k09) {
    TRY(const std::uint8_t type, config.U8("query_type"));
    if (type == static_cast<std::uint8_t>(FixedSizeQuery::kByBatchId)) {
      TRY(query.batch_id, config.ReadId<BatchId>("batch_id"));
    } else if (type != static_cast<std::uint8_t>(FixedSizeQuery::kCurrentBatch)) {
      return config.Fault("query_type", "it is neither by_batch_id (0) nor current_batch (1)");
    }
  }
  TRY_VOID(CloseConfig(in, version, config));
  return query;
}

void WriteQuery(DapWriter& out, DapVersion version, const DapQuery& query) {
  out.U8(static_cast<std::uint8_t>(query.mode));
  const std::size_t begin = version == DapVersion::k18 ? out.Begin<std::uint16_t>() : 0;
  if (query.mode == BatchMode::kTimeInterval) {
    WriteInterval(out, query.interval);
  } else if (version == DapVersion::k09) {
    const FixedSizeQuery type =
        query.batch_id ? FixedSizeQuery::kByBatchId : FixedSizeQuery::kCurrentBatch;
    out.U8(static_cast<std::uint8_t>(type));
    if (query.batch_id) out.Fixed(query.batch_id->span());
  }
  if (version == DapVersion::k18) out.End<std::uint16_t>(begin);
}

Result<CollectionJobResp> ReadJobResp(DapReader& in, DapVersion version) {
  CollectionJobResp resp;
  if (version == DapVersion::k09) {
    TRY(resp.batch_id, ReadPartialBatchSelector(in));
  }
  TRY(resp.report_count, in.U64("report_count"));
  TRY(resp.interval, ReadInterval(in, "interval"));
  TRY(resp.leader_share, ReadCiphertext(in));
  TRY(resp.helper_share, ReadCiphertext(in));
  return resp;
}

Result<AggregateShareReq> ReadShareReq(DapReader& in, DapVersion version) {
  AggregateShareReq request;
  if (version == DapVersion::k18) {
    TRY(request.collection_job_req, ReadCollectionJobReq(in, version));
  }
  TRY(request.batch_selector, ReadBatchSelector(in, version));
  if (version == DapVersion::k09) {
    TRY(const ByteSpan agg_param, in.Vector<std::uint32_t>("agg_param"));
    request.collection_job_req.agg_param = ToBytes(agg_param);
  }
  TRY(request.report_count, in.U64("report_count"));
  TRY(const ByteSpan checksum, in.Fixed("checksum", request.checksum.size()));
  request.checksum = ToArray(checksum.first<32>());
  return request;
}

}  // namespace

Result<DapBatchSelector> ReadBatchSelector(DapReader& in, DapVersion version) {
  DapBatchSelector selector;
  TRY(selector.mode, ReadBatchMode(in));
  TRY(DapReader config, OpenConfig(in, version));
  if (selector.mode == BatchMode::kTimeInterval) {
    TRY(selector.interval, ReadInterval(config, "batch_interval"));
  } else {
    TRY(selector.batch_id, config.ReadId<BatchId>("batch_id"));
  }
  TRY_VOID(CloseConfig(in, version, config));
  return selector;
}

void WriteBatchSelector(DapWriter& out, DapVersion version, const DapBatchSelector& selector) {
  out.U8(static_cast<std::uint8_t>(selector.mode));
  const std::size_t begin = version == DapVersion::k18 ? out.Begin<std::uint16_t>() : 0;
  if (selector.mode == BatchMode::kTimeInterval) {
    WriteInterval(out, selector.interval);
  } else {
    out.Fixed(selector.batch_id.span());
  }
  if (version == DapVersion::k18) out.End<std::uint16_t>(begin);
}

Result<CollectionJobReq> ReadCollectionJobReq(DapReader& in, DapVersion version) {
  CollectionJobReq request;
  TRY(request.query, ReadQuery(in, version));
  TRY(const ByteSpan agg_param, in.Vector<std::uint32_t>("agg_param"));
  request.agg_param = ToBytes(agg_param);
  if (version == DapVersion::k18) {
    TRY(request.extensions, ReadExtensions(in, "extensions"));
  }
  return request;
}

void WriteCollectionJobReq(DapWriter& out, DapVersion version, const CollectionJobReq& request) {
  WriteQuery(out, version, request.query);
  out.Vector<std::uint32_t>(request.agg_param);
  if (version == DapVersion::k18) {
    WriteExtensions(out, request.extensions);
  } else {
    CHECK(request.extensions.empty());
  }
}

DapQuery DapQuery::ForInterval(const DapInterval& interval) {
  return {.mode = BatchMode::kTimeInterval, .interval = interval, .batch_id = {}};
}

DapQuery DapQuery::ForNextBatch() {
  return {.mode = BatchMode::kLeaderSelected, .interval = {}, .batch_id = {}};
}

Result<DapQuery> DapQuery::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("Query", bytes, [&](DapReader& in) { return ReadQuery(in, version); });
}

Bytes DapQuery::Encode(DapVersion version) const {
  DapWriter out;
  WriteQuery(out, version, *this);
  return std::move(out).Take();
}

DapBatchSelector DapBatchSelector::ForInterval(const DapInterval& interval) {
  return {.mode = BatchMode::kTimeInterval, .interval = interval, .batch_id = {}};
}

DapBatchSelector DapBatchSelector::ForBatch(const BatchId& batch_id) {
  return {.mode = BatchMode::kLeaderSelected, .interval = {}, .batch_id = batch_id};
}

Result<DapBatchSelector> DapBatchSelector::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("BatchSelector", bytes,
                    [&](DapReader& in) { return ReadBatchSelector(in, version); });
}

Bytes DapBatchSelector::Encode(DapVersion version) const {
  DapWriter out;
  WriteBatchSelector(out, version, *this);
  return std::move(out).Take();
}

Result<CollectionJobReq> CollectionJobReq::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("CollectionJobReq", bytes,
                    [&](DapReader& in) { return ReadCollectionJobReq(in, version); });
}

Bytes CollectionJobReq::Encode(DapVersion version) const {
  DapWriter out;
  WriteCollectionJobReq(out, version, *this);
  return std::move(out).Take();
}

Result<CollectionJobResp> CollectionJobResp::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("CollectionJobResp", bytes,
                    [&](DapReader& in) { return ReadJobResp(in, version); });
}

Bytes CollectionJobResp::Encode(DapVersion version) const {
  DapWriter out;
  if (version == DapVersion::k09) WritePartialBatchSelector(out, batch_id);
  out.Be(report_count);
  WriteInterval(out, interval);
  WriteCiphertext(out, leader_share);
  WriteCiphertext(out, helper_share);
  return std::move(out).Take();
}

void AddToChecksum(BatchChecksum& checksum, const ReportId& id) {
  const crypto::Hash32 hash = crypto::Sha256(id.span());
  for (std::size_t i = 0; i < checksum.size(); ++i) checksum[i] ^= hash[i];
}

Result<AggregateShareReq> AggregateShareReq::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("AggregateShareReq", bytes,
                    [&](DapReader& in) { return ReadShareReq(in, version); });
}

Bytes AggregateShareReq::Encode(DapVersion version) const {
  DapWriter out;
  if (version == DapVersion::k18) WriteCollectionJobReq(out, version, collection_job_req);
  WriteBatchSelector(out, version, batch_selector);
  if (version == DapVersion::k09) out.Vector<std::uint32_t>(collection_job_req.agg_param);
  out.Be(report_count);
  out.Fixed(checksum);
  return std::move(out).Take();
}

Result<DapAggregateShare> DapAggregateShare::Parse(ByteSpan bytes) {
  return ParseWhole("AggregateShare", bytes, [](DapReader& in) -> Result<DapAggregateShare> {
    DapAggregateShare share;
    TRY(share.encrypted_aggregate_share, ReadCiphertext(in));
    return share;
  });
}

Bytes DapAggregateShare::Encode() const { return encrypted_aggregate_share.Encode(); }

}  // namespace salus::aggregate
