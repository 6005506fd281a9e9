// SPDX-License-Identifier: MPL-2.0

package alert

import (
	"errors"
	"strings"
	"time"
)

var errTime = errors.New("must be a date and time with an offset, such as 2026-11-21T03:35:24Z or 2026-11-21T03:35:24.123+02:00")

// ParseTime reads an AWSDateTime; its error is a sentence fit for whoever wrote the text.
//
//	YYYY-MM-DDThh:mm            seconds left out; no fraction then
//	YYYY-MM-DDThh:mm:ss
//	YYYY-MM-DDThh:mm:ss.f       1 to 9 fractional digits
//	each followed by Z, ±hh:mm or ±hh:mm:ss
func ParseTime(text string) (time.Time, error) {
	if len(text) < len("2006-01-02T15:04Z") {
		return time.Time{}, errTime
	}
	at := strings.LastIndexAny(text, "Z+-")
	if at < len("2006-01-02T15:04") {
		return time.Time{}, errTime
	}
	local, zone := text[:at], text[at:]
	offset, ok := parseOffset(zone)
	if !ok || !wellFormedClock(local) {
		return time.Time{}, errTime
	}
	layout := "2006-01-02T15:04"
	if len(local) > len(layout) {
		layout = "2006-01-02T15:04:05" // Parse takes a fraction after the seconds by itself
	}
	t, err := time.Parse(layout, local)
	if err != nil {
		return time.Time{}, errTime
	}
	t = t.Add(-offset)
	if t.Year() < 0 || t.Year() > 9999 { // in UTC, where it could not be written down again
		return time.Time{}, errTime
	}
	return t, nil
}

// wellFormedClock refuses what time.Parse would let pass: a comma before the fraction, or more than nine digits.
func wellFormedClock(local string) bool {
	const seconds = len("2006-01-02T15:04:05")
	switch {
	case len(local) == len("2006-01-02T15:04") || len(local) == seconds:
		return true
	case len(local) < seconds+2 || len(local) > seconds+10 || local[seconds] != '.':
		return false
	}
	return allDigits(local[seconds+1:])
}

func parseOffset(zone string) (time.Duration, bool) {
	if zone == "Z" {
		return 0, true
	}
	if len(zone) != len("+hh:mm") && len(zone) != len("+hh:mm:ss") {
		return 0, false
	}
	var total time.Duration
	limits, units := [...]int{23, 59, 59}, [...]time.Duration{time.Hour, time.Minute, time.Second}
	for i, part := range strings.Split(zone[1:], ":") {
		if len(part) != 2 || !allDigits(part) || i > 2 {
			return 0, false
		}
		n := int(part[0]-'0')*10 + int(part[1]-'0')
		if n > limits[i] {
			return 0, false
		}
		total += time.Duration(n) * units[i]
	}
	if zone[0] == '-' {
		total = -total
	}
	return total, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
