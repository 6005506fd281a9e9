// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// Outcome is what became of one attempt.
type Outcome string

// The outcomes and what follows from each.
//
//	DELIVERED   the destination accepted it                             the delivery ends
//	PERMANENT   it never will, as things are                            the delivery ends FAILED
//	WAIT        it said when to come back                               again at that time
//	AMBIGUOUS   the request was sent and the answer lost                again by the schedule; may arrive twice
//	RETRY       anything else: overload, network, a time-out            again by the schedule
const (
	OutcomeDelivered Outcome = "DELIVERED"
	OutcomePermanent Outcome = "PERMANENT"
	OutcomeWait      Outcome = "WAIT"
	OutcomeAmbiguous Outcome = "AMBIGUOUS"
	OutcomeRetry     Outcome = "RETRY"
)

// attemptError carries an outcome along an error chain.
type attemptError struct {
	error
	outcome Outcome
	wait    time.Duration
}

func (e *attemptError) Unwrap() error { return e.error }

// Permanent marks err as not worth a retry.
func Permanent(err error) error { return &attemptError{error: err, outcome: OutcomePermanent} }

// RetryAfter marks err as worth a retry after the wait the destination asked for.
func RetryAfter(err error, wait time.Duration) error {
	return &attemptError{error: err, outcome: OutcomeWait, wait: wait}
}

// Ambiguous marks err as leaving open whether the message arrived.
func Ambiguous(err error) error { return &attemptError{error: err, outcome: OutcomeAmbiguous} }

// TooLarge marks err as the destination's refusal of a message for its size, of which it took nothing. It is permanent,
// but for a smaller message, which package shrink sends at once. limit is how large a message may be, in bytes of the JSON
// for programs, where the destination says so; else 0.
func TooLarge(err error, limit int) error { return Permanent(&tooLargeError{err, limit}) }

type tooLargeError struct {
	error
	limit int
}

func (e *tooLargeError) Unwrap() error { return e.error }

// IsTooLarge reports whether err is a [TooLarge], and the limit it names.
func IsTooLarge(err error) (limit int, ok bool) {
	e, ok := errors.AsType[*tooLargeError](err)
	if !ok || !IsRefused(err) {
		return 0, false
	}
	return e.limit, true
}

// Unconfirmed is the error for an answer that is a success and does not name what was made, such as "issue": a login
// page or a proxy may have given it. It is ambiguous, so that the alert is rather brought twice than lost.
func Unconfirmed(what string) error {
	return Ambiguous(fmt.Errorf("the destination's answer is a success, but names no %s: did a login page or a proxy answer in its place?", what))
}

// IsPage reports whether an answer is a page for people, as a proxy or a login gives it in the vendor's place. Its
// Content-Type does not tell: Slack calls its own word text/html.
func IsPage(resp *outbound.Response) bool {
	return strings.HasPrefix(strings.TrimSpace(string(resp.Body)), "<")
}

// NotSent is the error of an exchange that is not the message's own, such as the search for what an earlier attempt made,
// or the request for credentials. Whatever became of it, it brought nobody the message, so the outcome is that of err, or
// RETRY where that is AMBIGUOUS.
func NotSent(err error) error {
	if outcome, _ := OutcomeOf(err); outcome != OutcomeAmbiguous {
		return err
	}
	return &attemptError{error: err, outcome: OutcomeRetry}
}

// IsRefused reports whether an exchange was refused for good. Where that was the search for what an earlier attempt made, the
// vendor may still take the message, and an alert is rather brought twice than lost.
func IsRefused(err error) bool {
	outcome, _ := OutcomeOf(err)
	return outcome == OutcomePermanent
}

// OutcomeOf reads what a sender's error says: the outcome, and the wait asked for when it is WAIT.
func OutcomeOf(err error) (Outcome, time.Duration) {
	if err == nil {
		return OutcomeDelivered, 0
	}
	if e, ok := errors.AsType[*attemptError](err); ok {
		return e.outcome, e.wait
	}
	switch {
	case errors.Is(err, outbound.ErrBlocked), errors.Is(err, outbound.ErrBadRequest):
		return OutcomePermanent, 0
	case outbound.WasSent(err):
		return OutcomeAmbiguous, 0
	}
	return OutcomeRetry, 0
}

// NeedsOperator reports whether err, though worth a few tries, is likely to stay until a person mends something: the
// destination's name does not exist, or its certificate cannot be verified. [OutcomeOf] says RETRY for it.
func NeedsOperator(err error) bool { return errors.Is(err, outbound.ErrNeedsOperator) }

// Check makes the usual choice from an HTTP status:
//
//	2xx                          delivered
//	408, 425, 429, 5xx           retry, at the time Retry-After names if it does
//	413                          permanent, but for a smaller message
//	3xx and every other 4xx      permanent
//
// now is what an HTTP date in Retry-After is compared with.
func Check(resp *outbound.Response, now time.Time) error {
	code := resp.StatusCode
	if code >= 200 && code <= 299 {
		return nil
	}
	err := &StatusError{StatusCode: code}
	switch {
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		if wait, ok := ParseRetryAfter(resp.Header.Get("Retry-After"), now); ok {
			return RetryAfter(err, wait)
		}
		return err
	case code == http.StatusRequestEntityTooLarge:
		return TooLarge(err, 0)
	default:
		return Permanent(err)
	}
}

// StatusError is an HTTP answer that is not a success.
type StatusError struct{ StatusCode int }

func (e *StatusError) Error() string {
	return strings.TrimSpace("the destination answered " + strconv.Itoa(e.StatusCode) + " " + http.StatusText(e.StatusCode))
}

// ParseRetryAfter reads a Retry-After header: whole or fractional seconds, or an HTTP date.
func ParseRetryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if !(seconds >= 0 && seconds < 1e9) { // also refuses NaN
			return 0, false
		}
		return time.Duration(seconds * float64(time.Second)), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return max(at.Sub(now), 0), true
}
