// SPDX-License-Identifier: MPL-2.0

package email

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// What the server's answers mean, after RFC 5321, section 4.2, and the enhanced codes of RFC 3463:
//
//	2xx                           delivered
//	4xx                           retry: busy, greylisting, the mailbox is full, too many recipients
//	552, or a code of size        permanent, but for a smaller mail
//	5.2.3, 5.3.4 to a recipient   the same; where no smaller mail can be made, that recipient's refusal alone
//	552 to a recipient            retry: it says that there are too many of them (section 4.5.3.1.10)
//	5.4.5, 5.1.90, 5.7.232, .233  retry: a day's quota is used up (Google, Microsoft)
//	every other 5xx               permanent
//
// A connection lost after the whole mail was sent is ambiguous; one lost before is a retry.

// The commands that answers are to.
const (
	greeting    = "the connection"
	helloStage  = "EHLO"
	tlsStage    = "STARTTLS"
	authStage   = "AUTH"
	senderStage = "MAIL FROM"
	rcptStage   = "RCPT TO"
	dataStage   = "DATA"
	mailStage   = "the mail"
)

// answer is what the server said to a command.
type answer struct {
	stage    string
	code     int
	enhanced string // such as 5.7.8; "" where the text begins with none
	text     string // as the server wrote it, the enhanced code included: it may quote what it was told
}

// enhancedCode is that of RFC 2034, at the beginning of a text.
var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

func newAnswer(stage string, code int, text string) *answer {
	return &answer{stage: stage, code: code, enhanced: enhancedCode.FindString(text), text: text}
}

// answerOf returns the answer an error is, or is made of.
func answerOf(err error) (*answer, bool) {
	a, ok := errors.AsType[*answer](err)
	return a, ok
}

// Error quotes nothing but numbers; the receipt has the text.
func (a *answer) Error() string {
	text := fmt.Sprintf("the mail server answered %d to %s", a.code, a.stage)
	if hint := a.hint(); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}

// full is the answer as it came.
func (a *answer) full() string { return fmt.Sprintf("%d %s", a.code, a.text) }

func (a *answer) temporary() bool {
	switch {
	case a.code/100 == 4:
		return true
	case a.enhanced == "5.4.5": // https://knowledge.workspace.google.com/admin/gmail/advanced/about-smtp-error-messages
		return true
	case a.enhanced == "5.1.90", a.enhanced == "5.7.232", a.enhanced == "5.7.233": // https://learn.microsoft.com/troubleshoot/exchange/email-delivery/ndr/non-delivery-reports-in-exchange-online
		return true
	}
	return a.stage == rcptStage && a.code == 552 && a.enhanced != mailboxFull && !a.tooLarge()
}

// mailboxFull is the code of a mailbox that has no room, which 552 says of a mail that is too large as well.
const mailboxFull = "5.2.2"

// tooLarge reports whether a smaller mail might be taken.
func (a *answer) tooLarge() bool {
	switch a.enhanced {
	case "5.2.3", "5.3.4":
		return true
	case mailboxFull:
		return false
	}
	return a.code == 552 && a.stage != rcptStage
}

// hint says what a person can do about a refusal.
func (a *answer) hint() string {
	switch {
	case a.temporary():
		return ""
	case a.enhanced == "5.7.139" || a.enhanced == "5.7.30":
		return "Microsoft 365 does not let this mailbox sign in with a password over SMTP; see the set-up steps"
	case a.stage == authStage && (a.code == 534 || a.enhanced == "5.7.9"):
		return "the server wants another way of signing in: an app password, or auth_mechanism xoauth2 with an access token"
	case a.stage == authStage && a.code/100 == 5:
		return "check username, password and auth_mechanism"
	case a.code == 530 || a.code == 538:
		return "the server wants an encrypted connection or a user: set security, username and password"
	case a.stage == senderStage && (a.code == 550 || a.code == 553) && (a.enhanced == "5.7.1" || strings.HasPrefix(a.enhanced, "5.1.")):
		return "the server does not let this user or address send as from"
	}
	return ""
}

// replyOf makes an answer of the error of a command, or leaves it.
func replyOf(stage string, err error) error {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return newAnswer(stage, reply.Code, reply.Msg)
	}
	return err
}

// refusal is the answer about one recipient.
type refusal struct {
	recipient string
	answer    *answer
}

// sending is what became of a mail whose recipients the server has decided about.
type sending struct {
	accepted []string
	refused  []refusal
	last     *answer // to the mail, or what says why it was not sent
}

// decisive is the answer that says what follows: of a recipient who is to be tried later, else the last.
func (s sending) decisive() *answer {
	for _, r := range s.refused {
		if r.answer.temporary() {
			return r.answer
		}
	}
	return s.last
}

// summary is the last answer, and who was refused with which.
func (s sending) summary() string {
	if len(s.refused) == 0 {
		return s.last.full()
	}
	var parts []string
	if s.last.stage != rcptStage {
		parts = append(parts, s.last.full())
	}
	for _, r := range s.refused {
		parts = append(parts, "refused "+r.recipient+": "+r.answer.full())
	}
	return strings.Join(parts, "; ")
}

// partialError is a mail that some recipients may still get later.
type partialError struct {
	reached, all int
	answer       *answer // about the first of those
}

func (e *partialError) Error() string {
	if e.reached == 0 {
		return e.answer.Error()
	}
	return fmt.Sprintf("the mail has reached %d of %d recipients: %s", e.reached, e.all, e.answer.Error())
}

// setupError is a fault that only a person can mend; see [outbound.ErrNeedsOperator].
type setupError struct{ text string }

func (e *setupError) Error() string        { return e.text }
func (e *setupError) Is(target error) bool { return target == outbound.ErrNeedsOperator }

// queueIDs find the name a server gives a mail it has taken. It need not give one.
var queueIDs = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\bqueued as <?([\w.+-]+)`),                           // Postfix, SendGrid
	regexp.MustCompile(`\bid=([\w.-]+)`),                                         // Exim
	regexp.MustCompile(`(?i)^(?:2\.\d\.\d )?ok:? ([0-9a-f]{16}-[0-9a-f-]+)\s*$`), // Amazon SES
	regexp.MustCompile(`(?i)^(?:2\.\d\.\d )?([\w.-]+) message accepted`),         // Sendmail, OpenSMTPD
	regexp.MustCompile(`\bInternalId=(\d+)`),                                     // Exchange
	regexp.MustCompile(`(?i)^(?:2\.\d\.\d )?ok +\d+ ([\w.-]+) - gsmtp`),          // Google
}

func queueID(text string) string {
	for _, form := range queueIDs {
		if found := form.FindStringSubmatch(text); found != nil && len(found[1]) <= 100 {
			return found[1]
		}
	}
	return ""
}
