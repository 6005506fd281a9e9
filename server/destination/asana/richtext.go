// SPDX-License-Identifier: MPL-2.0

package asana

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Rich text is XML: one <body>, and in it text and a few tags, https://developers.asana.com/docs/rich-text. A line break
// is a line break. Text that is no XML, or has another tag, Asana refuses or shows as it is, tags and all.

// tags are those Asana takes in a task, but for images.
var tags = map[string]bool{
	"strong": true, "em": true, "u": true, "s": true, "code": true, "pre": true, "blockquote": true,
	"ol": true, "ul": true, "li": true, "a": true, "h1": true, "h2": true, "hr": true,
}

// escape writes a text for rich text, also between the quotes of an attribute.
func escape(text string) string { return quotes.Replace(escapeText(text)) }

var quotes = strings.NewReplacer(`"`, "&quot;", "'", "&#39;")

// escapeText writes a text for rich text between tags.
func escapeText(text string) string {
	text = address.ReplaceAllString(render.Text(text), "${1}\u200b${2}")
	return markup.Replace(strings.Map(func(r rune) rune {
		if r == '\ufffe' || r == '\uffff' { // not for XML: https://www.w3.org/TR/xml/#charsets
			return utf8.RuneError
		}
		return r
	}, text))
}

var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// address finds what Asana would make a mention of: the address of a person, a task or a project in Asana tells whoever
// follows it. A zero-width space breaks it.
var address = regexp.MustCompile(`(?i)(asana\.com)([/:?#])`)

// size counts a character as long as escapeText may make it.
var size render.Size = func(r rune) int {
	switch r {
	case '&':
		return len("&amp;")
	case '<', '>':
		return len("&lt;")
	case '/', ':', '?', '#':
		return len("/\u200b")
	}
	return utf8.RuneLen(r)
}

// link returns a link, or "" where the address is none that may be offered. Nor is one in Asana: it would be a mention.
func link(name, to string) string {
	if to = linkURL(to); to == "" {
		return ""
	}
	return `<a href="` + escape(to) + `">` + name + "</a>"
}

func linkURL(text string) string {
	to := render.URL(text)
	if size.Of(to) > maxLink || address.MatchString(to) {
		return ""
	}
	return to
}

// Why a template's text is not taken.
var (
	errTag   = errors.New("has a tag or an attribute that Asana does not take")
	errNoXML = errors.New("is not the XML that Asana takes")
)

// fit reads rich text without its body, which a user's template made, and writes it again within limit bytes. What is cut
// off leaves no tag open. The error says why Asana would not take it.
func fit(cutter *render.Cutter, text string, limit int) (string, error) {
	decoder := xml.NewDecoder(strings.NewReader("<body>" + text + "</body>"))
	out := writer{cutter: cutter, room: limit - len(cutNote)}
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) && out.over {
			return out.String(), nil
		}
		if err != nil {
			return "", errNoXML
		}
		if err := out.write(token); err != nil {
			return "", err
		}
	}
}

// richTextFault says what is wrong with the text of a template, as the end of a sentence.
func richTextFault(text string) error {
	_, err := fit(&render.Cutter{}, strings.TrimSpace(text), maxNotes)
	return err
}

// cutNote ends the text of a template that is too long.
const cutNote = "\n… cut here; the alert has the whole"

// writer writes tokens as long as there is room for them and for the ends of the tags that are open.
type writer struct {
	strings.Builder
	cutter *render.Cutter
	room   int
	open   []element // the first is the body, which is not written
	over   bool      // the body has ended
	full   bool
}

type element struct {
	name    string
	written bool
}

func (w *writer) write(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return w.start(t)
	case xml.EndElement:
		return w.end(t)
	case xml.CharData:
		if !w.over {
			w.text(string(t))
			return nil
		}
	}
	return errTag // comments and the like, and what follows the body
}

func (w *writer) start(t xml.StartElement) error {
	name := t.Name.Local
	if len(w.open) == 0 && !w.over {
		w.open = append(w.open, element{name: name})
		return nil
	}
	if w.over || !tags[name] || t.Name.Space != "" {
		return errTag
	}
	tag := "<" + name
	for _, a := range t.Attr {
		if name != "a" || !linkAttribute(a) {
			return errTag
		}
		tag += " " + a.Name.Local + `="` + quoted.Replace(a.Value) + `"`
	}
	tag += ">"
	cost := len(tag) + len("</>") + len(name)
	if cost > w.room {
		w.fill()
	}
	if !w.full {
		w.room -= cost
		w.WriteString(tag)
	}
	w.open = append(w.open, element{name: name, written: !w.full})
	return nil
}

// linkAttribute accepts the address of a link, and whom a template mentions.
func linkAttribute(a xml.Attr) bool {
	switch {
	case a.Name.Space != "":
		return false
	case a.Name.Local == "href":
		return render.URL(a.Value) != ""
	}
	return a.Name.Local == "data-asana-gid" && isGID(a.Value)
}

func (w *writer) end(t xml.EndElement) error {
	last := len(w.open) - 1
	if last < 0 || w.open[last].name != t.Name.Local || t.Name.Space != "" {
		return errNoXML
	}
	if w.open[last].written {
		w.WriteString("</" + t.Name.Local + ">")
	}
	w.open, w.over = w.open[:last], last == 0
	return nil
}

func (w *writer) text(text string) {
	if w.full {
		return
	}
	whole := text
	text = w.cutter.FitNoted(text, w.room, quotedSize, "")
	w.room -= quotedSize.Of(text)
	w.WriteString(quoted.Replace(text))
	if text != whole {
		w.fill()
	}
}

// fill has nothing more written but the note and the ends of what is open.
func (w *writer) fill() {
	if !w.full {
		w.cutter.First([]string{cutNote}, 0)
		w.WriteString(cutNote)
	}
	w.full = true
}

// quoted writes text as it was read, which may have the quotes of an attribute around it.
var quoted = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// quotedSize counts a character as quoted writes it.
var quotedSize render.Size = func(r rune) int {
	switch r {
	case '&', '<', '>':
		return size(r)
	case '"':
		return len("&quot;")
	}
	return utf8.RuneLen(r)
}
