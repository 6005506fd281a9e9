// SPDX-License-Identifier: MPL-2.0

package template

import (
	"errors"
	"fmt"
	"strings"
)

// output is what was written so far.
type output struct {
	text   []byte
	limit  int
	value  int // the longest a value may be, in characters; 0 is no limit
	escape func(string) string
	json   *structure // nil: the output is text
	parts  *Parts     // nil: it is in text
}

// Parts is what a template gave, its own text and the values apart. It is safe for concurrent use.
type Parts struct {
	parts  []part
	escape func(string) string
}

// part is a piece of the template's own text, or a value that is not escaped yet.
type part struct {
	own   []byte
	value string
}

// Cut returns the text with every value cut to so many characters before it is escaped, so that the text gets short and
// its markup stays whole; 0 cuts none. The error, a [Fault], is that it is longer than MaxOutput even so.
func (p *Parts) Cut(characters int) (string, error) {
	o := output{escape: p.escape, limit: MaxOutput, value: characters}
	for _, part := range p.parts {
		var err error
		if part.own != nil {
			err = o.own(part.own)
		} else {
			err = o.write(part.value)
		}
		if err != nil {
			return "", Fault{Message: err.Error()}
		}
	}
	return string(o.text), nil
}

func (o *output) room(n int) error {
	if len(o.text)+n > o.limit {
		return fmt.Errorf("gives more than %d bytes", o.limit)
	}
	return nil
}

// own writes the template's own text.
func (o *output) own(text []byte) error {
	if o.parts != nil {
		o.parts.parts = append(o.parts.parts, part{own: text})
		return nil
	}
	if err := o.room(len(text)); err != nil {
		return err
	}
	if o.json != nil {
		o.json.follow(text)
	}
	o.text = append(o.text, text...)
	return nil
}

// print writes a value: the one place where values reach the output, so that each is escaped once.
func (o *output) print(r *run, value any) error {
	if o.json != nil {
		return o.printJSON(r, value)
	}
	text, err := r.text(value)
	if err == nil {
		err = r.handle(min(len(text), o.limit)) // a longer one is not written
	}
	switch {
	case err != nil:
		return err
	case o.parts != nil:
		o.parts.parts = append(o.parts.parts, part{value: text})
		return nil
	}
	return o.write(text)
}

// write escapes a value and writes it.
func (o *output) write(text string) error {
	if o.value > 0 {
		text = shorten(text, int64(o.value))
	}
	if err := o.room(len(text)); err != nil { // before it is escaped, which takes time
		return err
	}
	if o.escape != nil {
		text = o.escape(text)
	}
	if err := o.room(len(text)); err != nil {
		return err
	}
	o.text = append(o.text, text...)
	return nil
}

func (o *output) printJSON(r *run, value any) error {
	switch {
	case o.json.name:
		return errors.New("a value cannot be the name of a member, nor part of it; print the whole object with json")
	case o.json.escaped:
		return errors.New("a value cannot follow a backslash")
	case o.json.digits > 0:
		return errors.New(`a value cannot be part of an escape such as \u00e9`)
	case !o.json.inString:
		text, err := r.encode(value, false)
		if err == nil {
			err = o.room(len(text))
		}
		if err != nil {
			return err
		}
		o.text = append(o.text, text...)
		return nil
	}
	text, err := r.text(value)
	if err == nil {
		err = o.room(len(text))
	}
	if err != nil {
		return err
	}
	o.text = appendEscaped(o.text, text)
	return o.room(0)
}

// structure follows JSON as it is written, as far as it must to know where a value stands. Values do not change it:
// one in a string stays there, one elsewhere is whole.
type structure struct {
	inString, escaped bool
	digits            int    // how many of the four of an escape are to come
	name              bool   // where the name of a member is, or is to come
	open              []byte // the brackets that are open
}

func (s *structure) follow(text []byte) {
	for _, c := range text {
		switch {
		case s.escaped:
			s.escaped = false
			if c == 'u' {
				s.digits = 4
			}
		case s.digits > 0 && strings.IndexByte(hex, c|' ') >= 0:
			s.digits--
		case s.inString && c == '\\':
			s.escaped = true
		case c == '"':
			s.inString = !s.inString
		case !s.inString:
			s.bracket(c)
		}
	}
}

func (s *structure) bracket(c byte) {
	switch c {
	case '{', '[':
		s.open = append(s.open, c)
		s.name = c == '{'
	case '}', ']':
		s.open = s.open[:max(len(s.open)-1, 0)]
		s.name = false
	case ',':
		s.name = len(s.open) > 0 && s.open[len(s.open)-1] == '{'
	case ':':
		s.name = false
	}
}
