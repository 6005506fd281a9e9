// SPDX-License-Identifier: MPL-2.0

package template

import (
	"errors"
	"fmt"
	"strings"
)

// maxWidth is the greatest width or precision of a verb.
const maxWidth = 100

// printf formats as fmt.Sprintf does, with fewer verbs, and fails where that would write %!d.
func printf(r *run, args []any) (any, error) {
	format, err := r.text(args[0])
	if err != nil {
		return nil, err
	}
	args = args[1:]
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(format, "%")
		out.WriteString(before)
		if !ok {
			break
		}
		if err := r.step(); err != nil {
			return nil, err
		}
		verb, after, err := readVerb(rest)
		if err != nil {
			return nil, err
		}
		format = after
		if verb == "%%" {
			out.WriteByte('%')
			continue
		}
		if len(args) == 0 {
			return nil, errors.New("FORMAT has more verbs than there are values")
		}
		text, err := r.verb(verb, args[0])
		if err == nil {
			err = r.handle(len(text))
		}
		if err != nil {
			return nil, err
		}
		out.WriteString(text)
		args = args[1:]
	}
	if len(args) > 0 {
		return nil, errors.New("there are more values than verbs in FORMAT")
	}
	return out.String(), nil
}

// readVerb reads what follows a percent sign, and returns the verb with it. It looks at the verb and no further, so a
// format is read once however many it has.
func readVerb(format string) (verb, rest string, err error) {
	i := len(format) - len(strings.TrimLeft(format, "+-# 0"))
	for point := false; ; point, i = true, i+1 { // the width, then the precision
		n := 0
		for ; i < len(format) && format[i] >= '0' && format[i] <= '9'; i++ {
			if n = 10*n + int(format[i]-'0'); n > maxWidth {
				return "", "", fmt.Errorf("widths and precisions in FORMAT must be at most %d", maxWidth)
			}
		}
		if point || i == len(format) || format[i] != '.' {
			break
		}
	}
	if i == len(format) || strings.IndexByte("svqdxXfeEgGt%", format[i]) < 0 || (format[i] == '%' && i > 0) {
		return "", "", errors.New("FORMAT must use the verbs %s %v %q %d %x %f %e %g %t %%, nothing else after a percent sign")
	}
	return "%" + format[:i+1], format[i+1:], nil
}

// verb formats one value. Errors name the letter only: the rest may be the alert's, as a format may be.
func (r *run) verb(verb string, value any) (string, error) {
	value = r.open(value)
	switch letter := verb[len(verb)-1]; letter {
	case 'd':
		n, ok := r.whole(value)
		if !ok {
			return "", fmt.Errorf("%%%c wants a whole number, not %s", letter, r.kindOf(value))
		}
		return fmt.Sprintf(verb, n), nil
	case 'f', 'e', 'E', 'g', 'G':
		n, ok := r.number(value)
		if !ok {
			return "", fmt.Errorf("%%%c wants a number, not %s", letter, r.kindOf(value))
		}
		return fmt.Sprintf(verb, n), nil
	case 't':
		return fmt.Sprintf(verb, r.truth(value)), nil
	case 'x', 'X':
		if n, ok := r.whole(value); ok {
			return fmt.Sprintf(verb, n), nil
		}
	}
	text, err := r.text(value)
	if err == nil {
		err = r.handle(4 * len(text))
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(verb, text), nil
}
