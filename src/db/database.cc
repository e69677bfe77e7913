#include "db/database.h"

#include <stdexcept>
#include <utility>

namespace bulkhead::db {

Value::Value() = default;
Value::Value(std::string text) : value_(std::move(text)) {}
Value::Value(const char* text) : value_(std::string(text)) {}
Value::Value(Number number) : value_(number.value) {}
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;

bool Value::is_null() const { return std::holds_alternative<std::monostate>(value_); }
const std::int64_t* Value::integer() const { return std::get_if<std::int64_t>(&value_); }
const std::string* Value::text() const { return std::get_if<std::string>(&value_); }

bool operator==(const Value& left, const Value& right) { return left.value_ == right.value_; }

Row::Row(std::vector<Value> values) : values_(std::move(values)) {}
Row::Row(const Row& other) = default;
Row::Row(Row&& other) noexcept = default;
Row& Row::operator=(const Row& other) = default;
Row& Row::operator=(Row&& other) noexcept = default;
Row::~Row() = default;

bool Row::is_null(std::size_t column) const { return values_.at(column).is_null(); }

std::int64_t Row::integer(std::size_t column) const {
  const std::int64_t* integer = values_.at(column).integer();
  if (integer == nullptr) throw std::logic_error("a column is no integer");
  return *integer;
}

const std::string& Row::text(std::size_t column) const {
  const std::string* text = values_.at(column).text();
  if (text == nullptr) throw std::logic_error("a column is no text");
  return *text;
}

Result<std::vector<Row>> Session::query(std::string_view sql, std::initializer_list<Value> parameters) {
  return query(sql, std::span(parameters.begin(), parameters.size()));
}

Result<std::int64_t> Session::execute(std::string_view sql, std::initializer_list<Value> parameters) {
  return execute(sql, std::span(parameters.begin(), parameters.size()));
}

}  // namespace bulkhead::db
