# Shows Doxygen the comments of a header: plain // in front of a declaration, or behind it. As people read it, a
# comment holds for all declarations that follow up to the next blank line, but for those with a comment of their own.

function flush_comment(i) {
  for (i = 1; i <= lines; ++i) print comment[i]
}

function indent_of(line) {
  match(line, /^ */)
  return substr(line, 1, RLENGTH)
}

# Lines that stand farther in, as lists and code do, keep their layout.
function add_comment(text, is_indented) {
  is_indented = text ~ /^   /
  if (is_indented && !was_indented) comment[++lines] = "///"
  comment[++lines] = "///" (is_indented ? "  " : "") text
  was_indented = is_indented
}

NR == 1 { comment[++lines] = "/// @file" }
/^ *\/\/ (---|clang-format)/ { next }

# Within a function.
in_body {
  sub(/\/\/.*/, "")
  print
  if (index($0, indent "}") == 1) { in_body = 0; is_complete = 1 }
  next
}

/^ *\/\// {
  if (!in_comment) { lines = NR == 1 ? lines : 0; was_indented = 0 }
  in_comment = 1
  sub(/^ *\/\//, "")
  add_comment($0)
  next
}

/^ *$/ {
  if (in_comment) flush_comment()
  in_comment = 0
  is_complete = 1
  lines = 0
  print
  next
}

/^#/ || /^ *(public|protected|private):/ || /^namespace/ {
  if (in_comment) flush_comment()
  in_comment = 0
  if (/^namespace/) lines = 0
  print
  next
}

{
  is_closing = /^ *}/
  has_own = !is_closing && sub(/  \/\/ /, "  ///< ")
  if (in_comment || (is_complete && !has_own && !is_closing)) flush_comment()
  if (in_comment || is_complete) indent = indent_of($0)
  in_comment = 0
  print
  code = $0
  sub(/ *\/\/\/<.*/, "", code)
  if (code ~ /^ *enum.*{$/) in_enum = 1
  if (is_closing) in_enum = 0
  is_complete = code ~ /[;{}]$/ || (in_enum && code ~ /,$/)
  if (code ~ /\).*{$/ && code !~ /(^| )(class|struct|enum) /) {
    in_body = 1
  }
}
