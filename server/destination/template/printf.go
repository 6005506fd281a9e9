// SPDX-License-Identifier: MPL-2.0

package template

import (
	"errors"
	"fmt"
	"strconv"
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

// readVerb reads what follows a percent sign, and returns the verb with it.
func readVerb(format string) (verb, rest string, err error) {
	i := len(format) - len(strings.TrimLeft(format, "+-# 0"))
	for _, part := range strings.SplitN(format[i:], ".", 2) {
		digits := len(part) - len(strings.TrimLeft(part, "0123456789"))
		if n, err := strconv.Atoi("0" + part[:digits]); err != nil || n > maxWidth {
			return "", "", fmt.Errorf("widths and precisions in FORMAT must be at most %d", maxWidth)
		}
		if i += digits; i < len(format) && format[i] == '.' {
			i++
			continue
		}
		break
	}
	if i == len(format) || strings.IndexByte("svqdxXfeEgGt%", format[i]) < 0 || (format[i] == '%' && i > 0) {
		return "", "", errors.New("FORMAT must use the verbs %s %v %q %d %x %f %e %g %t %%, nothing else after a percent sign")
	}
	return "%" + format[:i+1], format[i+1:], nil
}

// verb formats one value.
func (r *run) verb(verb string, value any) (string, error) {
	value = r.open(value)
	switch verb[len(verb)-1] {
	case 'd':
		n, ok := whole(value)
		if !ok {
			return "", fmt.Errorf("%s wants a whole number, not %s", verb, r.kindOf(value))
		}
		return fmt.Sprintf(verb, n), nil
	case 'f', 'e', 'E', 'g', 'G':
		n, ok := number(value)
		if !ok {
			return "", fmt.Errorf("%s wants a number, not %s", verb, r.kindOf(value))
		}
		return fmt.Sprintf(verb, n), nil
	case 't':
		return fmt.Sprintf(verb, r.truth(value)), nil
	case 'x', 'X':
		if n, ok := whole(value); ok {
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
