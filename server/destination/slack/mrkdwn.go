// SPDX-License-Identifier: MPL-2.0

package slack

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// What a user's template makes is mrkdwn (https://docs.slack.dev/messaging/formatting-message-text), in which there is no
// escape for the asterisks, underscores, tildes, backticks, colons and quotation marks of a value: an alert could look like
// what it is not. So it is read here and sent as rich text (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block),
// in which a text is no markup at all. Markup is only what stands in the template itself, and whether it is some never
// depends on what an alert says.

// What quote puts around a value. Both are noncharacters, which no text has for good reason.
const (
	valueStart = '\ufdd0'
	valueEnd   = '\ufdd1'
)

var noMarks = strings.NewReplacer(string(valueStart), "\ufffd", string(valueEnd), "\ufffd")

// quote marks a value in the text of a template.
func quote(value string) string {
	return string(valueStart) + noMarks.Replace(value) + string(valueEnd)
}

// atom is a character of the template's own, or a whole value.
type atom struct {
	own  rune // 0 in a value
	text string
}

func isValue(a atom) bool { return a.own == 0 }

func atoms(text string) []atom {
	var all []atom
	for text != "" {
		value, marked := strings.CutPrefix(text, string(valueStart))
		if !marked {
			r, width := utf8.DecodeRuneInString(text)
			all = append(all, atom{own: r, text: text[:width]})
			text = text[width:]
			continue
		}
		value, text, _ = strings.Cut(value, string(valueEnd)) // the end may be cut off
		all = append(all, atom{text: value})
	}
	return all
}

func textOf(all []atom) string {
	var out strings.Builder
	for _, a := range all {
		out.WriteString(a.text)
	}
	return out.String()
}

// richText is a rich_text_section, rich_text_quote or rich_text_preformatted.
type richText struct {
	Type     string `json:"type"`
	Elements []run  `json:"elements"`
}

// run is a text, link, emoji, date or mention.
type run struct {
	Type      string `json:"type"`
	Text      string `json:"text,omitzero"`
	URL       string `json:"url,omitzero"`
	Name      string `json:"name,omitzero"`
	User      string `json:"user_id,omitzero"`
	Usergroup string `json:"usergroup_id,omitzero"`
	Channel   string `json:"channel_id,omitzero"`
	Range     string `json:"range,omitzero"`
	Timestamp int64  `json:"timestamp,omitzero"`
	Format    string `json:"format,omitzero"`
	Fallback  string `json:"fallback,omitzero"`
	Style     style  `json:"style,omitzero"`
}

type style struct {
	Bold   bool `json:"bold,omitzero"`
	Italic bool `json:"italic,omitzero"`
	Strike bool `json:"strike,omitzero"`
	Code   bool `json:"code,omitzero"`
}

// styles are what stands around a text that has one.
var styles = map[rune]func(style) style{
	'*': func(s style) style { s.Bold = true; return s },
	'_': func(s style) style { s.Italic = true; return s },
	'~': func(s style) style { s.Strike = true; return s },
}

// richTexts reads mrkdwn, whose values [quote] has marked. It takes time proportional to its length, but for marks that have
// no end, of which there are few in a text as short as Slack takes.
func richTexts(mrkdwn string) []any {
	var p page
	rest := atoms(mrkdwn)
	for len(rest) > 0 {
		start := indexRow(rest, 0)
		end := indexRow(rest, start+4) // something is between
		if start < 0 || end < 0 {
			p.lines(rest)
			break
		}
		p.lines(rest[:start])
		p.add("rich_text_preformatted", inlines{literal: true}.read(trimBreaks(rest[start+3:end])))
		if rest = rest[end+3:]; isOwn(rest, 0, '\n') {
			rest = rest[1:]
		}
	}
	return p.all
}

// indexRow returns where three backticks stand, from a place on, or -1.
func indexRow(all []atom, from int) int {
	for i := max(from, 0); i+2 < len(all); i++ {
		if all[i].own == '`' && all[i+1].own == '`' && all[i+2].own == '`' {
			return i
		}
	}
	return -1
}

func isOwn(all []atom, i int, r rune) bool { return i >= 0 && i < len(all) && all[i].own == r }

func trimBreaks(all []atom) []atom {
	for isOwn(all, 0, '\n') {
		all = all[1:]
	}
	for isOwn(all, len(all)-1, '\n') {
		all = all[:len(all)-1]
	}
	return all
}

// page is the parts of a text one below the other.
type page struct{ all []any }

func (p *page) add(kind string, runs []run) {
	if len(runs) > 0 {
		p.all = append(p.all, richText{Type: kind, Elements: runs})
	}
}

// lines adds text without code blocks: what is quoted, line by line or, behind three signs, to its end, and what is not.
func (p *page) lines(rest []atom) {
	kind, part := "", []run(nil)
	flush := func(next string) {
		if kind != next {
			p.add(kind, part)
			kind, part = next, nil
		}
	}
	for len(rest) > 0 {
		n := slices.IndexFunc(rest, func(a atom) bool { return a.own == '\n' })
		next, width := "rich_text_section", 0
		if width = quoteSign(rest); width > 0 {
			next = "rich_text_quote"
			if more := quoteSign(rest[width:]); more > 0 && quoteSign(rest[width+more:]) > 0 {
				width += more + quoteSign(rest[width+more:])
				n = -1
			}
		}
		if n < 0 {
			n = len(rest)
		}
		line := rest[width:n]
		if width > 0 && isOwn(line, 0, ' ') {
			line = line[1:]
		}
		flush(next)
		if part != nil {
			part = appendText(part, "\n", style{})
		}
		if part = appendRuns(part, inlines{}.read(line)); part == nil {
			part = []run{}
		}
		rest = rest[min(n+1, len(rest)):]
	}
	flush("")
}

// quoteSign returns how many atoms the sign of a quotation is that a line begins with, or 0.
func quoteSign(line []atom) int {
	for _, sign := range []string{">", "&gt;"} {
		if beginsWith(line, sign) {
			return len(sign)
		}
	}
	return 0
}

// beginsWith reports whether the template's own text stands there, of ASCII.
func beginsWith(all []atom, own string) bool {
	for i, r := range own {
		if !isOwn(all, i, r) {
			return false
		}
	}
	return true
}

// inlines reads one line; literal is that of code, in which only links and escapes mean something.
type inlines struct {
	style   style
	literal bool
}

func (in inlines) read(line []atom) []run {
	var runs []run
	endless := map[rune]bool{} // marks without an end in the rest of the line
	for i := 0; i < len(line); {
		a := line[i]
		switch {
		case a.own == '<':
			if end := index(line, i+1, '>'); end >= 0 {
				if more, ok := in.token(line[i+1 : end]); ok {
					runs, i = appendRuns(runs, more), end+1
					continue
				}
			}
		case a.own == '&':
			if text, n := entity(line[i:]); n > 0 {
				runs, i = appendText(runs, text, in.style), i+n
				continue
			}
		case in.literal || endless[a.own]:
		case a.own == '`':
			end := index(line, i+1, '`')
			if end > i+1 {
				code := inlines{style: in.style, literal: true}
				code.style.Code = true
				runs, i = appendRuns(runs, code.read(line[i+1:end])), end+1
				continue
			}
			endless[a.own] = end < 0
		case a.own == ':':
			if emoji, n := emojiAt(line, i); n > 0 {
				emoji.Style = in.style
				runs, i = append(runs, emoji), i+n
				continue
			}
		case styles[a.own] != nil && opens(line, i):
			if inner, end := spanned(line, i); end >= 0 {
				runs, i = appendRuns(runs, inlines{style: styles[a.own](in.style)}.read(inner)), end+1
				continue
			}
			endless[a.own] = true
		}
		runs, i = appendText(runs, a.text, in.style), i+1
	}
	return runs
}

// appendText adds to the last text where it has the same style.
func appendText(runs []run, text string, style style) []run {
	if text == "" {
		return runs
	}
	if last := len(runs) - 1; last >= 0 && runs[last].Type == "text" && runs[last].Style == style {
		runs[last].Text += text
		return runs
	}
	return append(runs, run{Type: "text", Text: text, Style: style})
}

func appendRuns(runs, more []run) []run {
	for _, r := range more {
		if r.Type == "text" {
			runs = appendText(runs, r.Text, r.Style)
		} else {
			runs = append(runs, r)
		}
	}
	return runs
}

func index(all []atom, from int, r rune) int {
	for i := from; i < len(all); i++ {
		if all[i].own == r {
			return i
		}
	}
	return -1
}

// opens reports whether a style may begin at a mark: not inside a word, and not before a space. A value is a word.
func opens(line []atom, i int) bool {
	return (i == 0 || !word(line[i-1])) && i+1 < len(line) && line[i+1].own != ' ' && line[i+1].own != line[i].own
}

// spanned returns what stands between a mark and the next one that ends it, and where that is; -1 where none does.
func spanned(line []atom, start int) ([]atom, int) {
	for i := start + 2; i < len(line); i++ {
		switch mark := line[i].own; {
		case mark == line[start].own && line[i-1].own != ' ' && line[i-1].own != mark && (i+1 == len(line) || !word(line[i+1])):
			return line[start+1 : i], i
		case mark == '`', mark == '<': // what is in code or in a link ends nothing
			closer := map[rune]rune{'`': '`', '<': '>'}[mark]
			if end := index(line, i+1, closer); end >= 0 {
				i = end
			}
		}
	}
	return nil, -1
}

func word(a atom) bool {
	r := a.own
	return r == 0 || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f
}

// entities are the escapes of https://docs.slack.dev/messaging/formatting-message-text#escaping
var entities = map[string]string{"&amp;": "&", "&lt;": "<", "&gt;": ">"}

func entity(all []atom) (text string, length int) {
	for name, text := range entities {
		if beginsWith(all, name) {
			return text, len(name)
		}
	}
	return "", 0
}

// emojiName has a letter, as times do not, 10:30:15, or is one of the two without. In rich text an emoji has no skin tone.
var emojiName = regexp.MustCompile(`^:(100|1234|[a-z0-9_+'-]*[a-z+][a-z0-9_+'-]*):(:skin-tone-[2-6]:)?`)

// emojiAt returns the emoji that the template's own text names there.
func emojiAt(line []atom, i int) (emoji run, length int) {
	if i > 0 && word(line[i-1]) {
		return run{}, 0
	}
	const longest = 120
	end := i
	for end < len(line) && end-i < longest && line[end].own > ' ' && line[end].own < 0x7f {
		end++
	}
	parts := emojiName.FindStringSubmatch(textOf(line[i:end]))
	if parts == nil {
		return run{}, 0
	}
	return run{Type: "emoji", Name: parts[1]}, len(parts[0])
}

// Mentions of https://docs.slack.dev/messaging/formatting-message-text#advanced
var (
	userToken    = regexp.MustCompile(`^@([UW][A-Z0-9]{2,30})(?:\||$)`)
	groupToken   = regexp.MustCompile(`^!subteam\^(S[A-Z0-9]{2,30})(?:\||$)`)
	channelToken = regexp.MustCompile(`^#([CG][A-Z0-9]{2,30})(?:\||$)`)
	rangeToken   = regexp.MustCompile(`^!(here|channel|everyone)(?:\||$)`)
	dateToken    = regexp.MustCompile(`^!date\^([1-9][0-9]{0,11})\^([^^|]+)(?:\^([^|]*))?\|(.*)$`)
)

// token reads what stands between angle brackets; ok is false for what means nothing.
func (in inlines) token(inner []atom) (runs []run, ok bool) {
	if len(inner) == 0 {
		return nil, false
	}
	text := textOf(inner)
	if first := inner[0].own; first != '@' && first != '#' && first != '!' {
		return in.link(inner)
	}
	r := run{Style: in.style}
	if parts := dateToken.FindStringSubmatch(text); parts != nil {
		r.Type, r.Format, r.URL, r.Fallback = "date", parts[2], render.URL(parts[3]), parts[4]
		r.Timestamp, _ = strconv.ParseInt(parts[1], 10, 64) // digits
	} else if slices.ContainsFunc(inner, isValue) { // an alert mentions nobody
		return nil, false
	} else if parts := userToken.FindStringSubmatch(text); parts != nil {
		r.Type, r.User = "user", parts[1]
	} else if parts := groupToken.FindStringSubmatch(text); parts != nil {
		r.Type, r.Usergroup = "usergroup", parts[1]
	} else if parts := channelToken.FindStringSubmatch(text); parts != nil {
		r.Type, r.Channel = "channel", parts[1]
	} else if parts := rangeToken.FindStringSubmatch(text); parts != nil {
		r.Type, r.Range = "broadcast", parts[1]
	}
	return []run{r}, r.Type != "" && !in.literal
}

// ownAddress is what a template may link to in its own words.
var ownAddress = regexp.MustCompile(`^(https?://|mailto:|tel:|slack://)[^\s<>]+$`)

// link reads an address and, behind a bar, its name. An address that a value is part of is one that may be offered, or
// there is only the name, or what is in its place.
func (in inlines) link(inner []atom) (runs []run, ok bool) {
	address, name := inner, []atom(nil)
	if bar := index(inner, 0, '|'); bar >= 0 {
		address, name = inner[:bar], inner[bar+1:]
	}
	url := labelOf(address)
	if slices.ContainsFunc(address, isValue) {
		if url = render.URL(url); url == "" {
			if len(name) == 0 {
				name = address
			}
			return inlines{style: in.style, literal: true}.read(name), true
		}
	} else if !ownAddress.MatchString(url) {
		return nil, false
	}
	return []run{{Type: "link", URL: url, Text: labelOf(name), Style: in.style}}, true
}

// labelOf is the name of a link, or its address: the escapes that are the template's own mean something.
func labelOf(name []atom) string {
	var out strings.Builder
	for _, r := range (inlines{literal: true}).read(name) {
		out.WriteString(r.Text)
	}
	return out.String()
}
