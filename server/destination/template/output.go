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
}

func (o *output) room(n int) error {
	if len(o.text)+n > o.limit {
		return fmt.Errorf("gives more than %d bytes", o.limit)
	}
	return nil
}

// own writes the template's own text.
func (o *output) own(text []byte) error {
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
	if o.value > 0 {
		text = shorten(text, int64(o.value))
	}
	if err == nil {
		err = o.room(len(text)) // before it is escaped, which takes time
	}
	if err != nil {
		return err
	}
	if o.escape != nil {
		if err := r.handle(len(text)); err != nil {
			return err
		}
		text = o.escape(text)
		if err := o.room(len(text)); err != nil {
			return err
		}
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
