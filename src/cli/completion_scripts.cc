#include <fmt/format.h>

#include "base/shown.h"
#include "cli/completion.h"

namespace bulkhead::cli {
namespace {

// Words are taken from the line: bash has broken them at ':' and '=' already.
constexpr std::string_view kBash = R"(# bash completion for bulkhead: source <(bulkhead completion bash)
_bulkhead() {
  local line current before words IFS
  line=${COMP_LINE:0:COMP_POINT}
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=${words[${#words[@]}-1]}
  before=
  [[ $current == *[:=]* ]] && before=${current%"${current##*[:=]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default
      continue
    fi
    line=${line%%$'\t'*}
    COMPREPLY+=("${line#"$before"}")
  done < <(command bulkhead __complete "${words[@]:1}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
  return 0
}
complete -o nosort -F _bulkhead bulkhead
)";

constexpr std::string_view kZsh = R"(#compdef bulkhead
# zsh completion for bulkhead: bulkhead completion zsh > "${fpath[1]}/_bulkhead"
_bulkhead() {
  local line
  local -a found
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done < <(command bulkhead __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe -V bulkhead found
}
if [[ $funcstack[1] == _bulkhead ]]; then
  _bulkhead "$@"
else
  compdef _bulkhead bulkhead
fi
)";

constexpr std::string_view kFish =
    R"(# fish completion for bulkhead: bulkhead completion fish > ~/.config/fish/completions/bulkhead.fish
function __bulkhead_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (command bulkhead __complete $words[2..-1] 2>/dev/null)
    if contains -- :files $found
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c bulkhead -f -k -a '(__bulkhead_complete)'
)";

}  // namespace

Result<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  return Error{Errc::invalid_argument,
               fmt::format("there is no completion for {}, but for bash, zsh and fish", quote(shell))};
}

}  // namespace bulkhead::cli
