// The part of Manifests that lists what refers to a subject (distribution-spec 1.1, "Listing Referrers").
//
// Annotations can be as large as a manifest, and a page holds those of all its entries: the sizes are read
// first, and decide how many entries the page gets.

#include <algorithm>

#include "registry/manifests_state.h"
#include "registry/paging.h"

namespace bulkhead::registry {
namespace {

struct Question {
  std::int64_t repository_id;
  std::string subject;
  std::string artifact_type;  // "" for all
  std::string last;
};

struct Extent {
  std::int64_t entries = 0;
  std::uint64_t bytes = 0;
  bool more = false;
};

// The condition that both statements share, and its parameters.
constexpr std::string_view kAll = " FROM manifests WHERE repository_id = ? AND subject = ? AND digest > ?";
constexpr std::string_view kOfType = " AND artifact_type = ?";

Result<std::vector<db::Row>> select(db::Session& session, std::string_view columns, const Question& question,
                                    std::int64_t rows) {
  std::string sql = "SELECT " + std::string(columns) + std::string(kAll);
  std::vector<db::Value> parameters{question.repository_id, question.subject, question.last};
  if (!question.artifact_type.empty()) {
    sql += kOfType;
    parameters.emplace_back(question.artifact_type);
  }
  sql += " ORDER BY digest LIMIT ?";
  parameters.emplace_back(rows);
  return session.query(sql, parameters);
}

Result<Extent> measure(db::Session& session, const Question& question, std::size_t limit) {
  const auto rows = select(session, "size", question, rows_for(limit));
  if (!rows) return rows.error();
  Extent extent;
  std::uint64_t bytes = 0;
  for (const db::Row& row : *rows) {
    bytes += static_cast<std::uint64_t>(row.integer(0));
    const bool fits = bytes <= kReferrersPageBytes || extent.entries == 0;
    if (!fits || static_cast<std::size_t>(extent.entries) == limit) {
      extent.more = true;
      break;
    }
    ++extent.entries;
    extent.bytes = bytes;
  }
  return extent;
}

Result<Referrer> to_referrer(const db::Row& row) {
  const auto digest = oci::Digest::parse(row.text(0));
  if (!digest) return Error{Errc::corrupt, "the database holds what is no digest: " + digest.error().message};
  return Referrer{oci::Descriptor{row.text(1), *digest, static_cast<std::uint64_t>(row.integer(2))},
                  row.text(3), row.text(4)};
}

// Media types are printable ASCII: other text is no manifest's, and a database may refuse it.
bool may_be_media_type(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

Result<ReferrersPage> Manifests::referrers(const access::Repository& repository, const oci::Digest& subject,
                                           std::string_view artifact_type, std::string_view last,
                                           std::size_t limit, const Room& room) {
  ReferrersPage page;
  if (limit == 0 || !may_be_media_type(artifact_type)) return page;
  const Question question{repository.id, subject.render(), std::string(artifact_type), start_after(last)};
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    page = {};
    const auto extent = measure(session, question, limit);
    if (!extent) return extent.error();
    if (room)
      if (auto given = room(extent->bytes); !given) return given;
    const auto rows =
        select(session, "digest, media_type, size, artifact_type, annotations", question, extent->entries);
    if (!rows) return rows.error();
    for (const db::Row& row : *rows) {
      auto referrer = to_referrer(row);
      if (!referrer) return referrer.error();
      page.entries.push_back(*std::move(referrer));
    }
    page.more = extent->more;
    return {};
  });
  if (!done) return done.error();
  return page;
}

}  // namespace bulkhead::registry
