// Running the JSON vectors of the draft against a Prio3; test code only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "aggregate/prio3.h"
#include "crypto/vector_files.h"

namespace salus::aggregate::testing {

// Prio3VectorRunner does the operations of one file in their order, and expects each to succeed or
// fail as the file says, with the bytes that the file says.
class Prio3VectorRunner {
 public:
  // numbers turns a measurement as the file has it into the list that Shard takes.
  using Numbers = std::vector<std::uint64_t> (*)(const boost::json::value&);

  Prio3VectorRunner(const Prio3& prio3, crypto::testing::Fields& file, std::string where,
                    Numbers numbers);
  void Run();

 private:
  struct Report {
    Bytes nonce, randomness, public_share;
    std::vector<Bytes> input_shares, verifier_shares, output_shares;
    Bytes message;
    bool has_message = false;
    boost::json::value measurement;
    std::vector<VerifyState> states;
  };

  void ReadReport(const boost::json::object& json);
  void Operate(const boost::json::object& json);
  void Shard(Report& report, bool success);
  void VerifyInit(Report& report, std::size_t aggregator, bool success);
  void ToMessage(Report& report, bool success);
  void VerifyNext(Report& report, std::size_t aggregator, bool success);
  void Aggregate(std::size_t aggregator);
  void Unshard();

  const Prio3& prio3_;
  crypto::testing::Fields& file_;
  std::string where_;
  Numbers numbers_;
  Bytes context_;
  SecretBytes verify_key_;
  std::vector<Report> reports_;
  std::vector<Bytes> aggregate_shares_;
  boost::json::value result_;
};

}  // namespace salus::aggregate::testing
