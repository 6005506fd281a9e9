// SPDX-License-Identifier: MPL-2.0

package email_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/email"
)

const (
	maxSubject = 150
	maxLine    = 998 // https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1
	columns    = 78  // what a line should have, same section
)

// received is a mail as standard tools read it.
type received struct {
	parts
	header  mail.Header
	rawHTML string // as it was sent
}

// read takes a mail apart, and fails where it is not one.
func read(t testing.TB, raw []byte) received {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSuffix(string(raw), "\r\n"), "\r\n") {
		if len(line) > maxLine || strings.ContainsAny(line, "\r\n\x00") || !ascii(line) {
			t.Errorf("got the line %q, want ASCII, at most %d of it, ending in CR LF", line, maxLine)
		}
	}
	header, _, _ := strings.Cut(string(raw), "\r\n\r\n")
	for line := range strings.SplitSeq(header, "\r\n") {
		if len(line) > columns {
			t.Errorf("got the line %q in the header, want at most %d characters", line, columns)
		}
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	r := received{header: parsed.Header}
	decode := func(name string) string {
		text, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get(name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return text
	}
	addresses := func(name string) []string {
		all := []string{}
		if parsed.Header.Get(name) == "" || name == "To" && parsed.Header.Get(name) == "undisclosed-recipients:;" {
			return all
		}
		list, err := parsed.Header.AddressList(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, a := range list {
			if a.Name == "" {
				all = append(all, a.Address)
			} else {
				all = append(all, a.Name+" <"+a.Address+">")
			}
		}
		return all
	}
	r.Subject, r.From = decode("Subject"), addresses("From")[0]
	r.To, r.Cc = addresses("To"), addresses("Cc")
	if replyTo := addresses("Reply-To"); len(replyTo) > 0 {
		r.ReplyTo = replyTo[0]
	}
	r.Headers = map[string]string{}
	for name := range parsed.Header {
		if len(parsed.Header[name]) != 1 {
			t.Errorf("the header has %d fields %s", len(parsed.Header[name]), name)
		}
		r.Headers[name] = decode(name)
	}
	for _, name := range []string{"From", "To", "Cc", "Reply-To", "Subject", "Content-Type", "Mime-Version"} {
		delete(r.Headers, name)
	}
	_, params, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for reader := multipart.NewReader(parsed.Body, params["boundary"]); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(raw)))
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, part.Header.Get("Content-Type"))
		if len(kinds) == 1 {
			r.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
		} else {
			r.HTML, r.rawHTML = strings.ReplaceAll(string(text), "\r\n", "\n"), string(raw)
		}
	}
	if want := []string{"text/plain; charset=UTF-8", "text/html; charset=UTF-8"}; !slices.Equal(kinds, want) {
		t.Errorf("got the parts %q, want %q", kinds, want)
	}
	return r
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// deliver sends messages and returns the mails that arrived.
func deliver(t testing.TB, c config, messages ...*destination.Message) []received {
	t.Helper()
	server := destinationtest.StartMail(t, nil)
	sender := open(t, at(t, server.Addr, c))
	for _, m := range messages {
		if _, err := sender.Send(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", m.Alert.Detection.ID, err)
		}
	}
	var mails []received
	for _, m := range server.Mails() {
		mails = append(mails, read(t, m.Raw))
	}
	return mails
}

func samples() []*destination.Message {
	return []*destination.Message{
		destinationtest.Message(), destinationtest.Minimal(), destinationtest.Hostile(), destinationtest.Test(),
		destinationtest.Fallback(), destinationtest.Blank(),
	}
}

func TestRender_IsWhatIsSent(t *testing.T) {
	t.Parallel()
	c := config{
		"from": "Münchner SOC <alerts@example.com>", "cc": []string{`"On-call, \"all\"" <on-call@example.com>`}, "bcc": []string{"archive@example.net"},
		"reply_to": "soc@example.com", "subject_prefix": "[Ü]",
	}
	for i, mail := range deliver(t, c, samples()...) {
		want := partsOf(t, render(t, c, samples()[i]))
		headers := map[string]string{}
		for name, value := range want.Headers {
			headers[http.CanonicalHeaderKey(name)] = value
		}
		want.Headers = headers
		got, _ := json.Marshal(mail.parts)
		if want, _ := json.Marshal(want); !bytes.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestSend_NamesNobodyOfBcc(t *testing.T) {
	t.Parallel()
	server := destinationtest.StartMail(t, nil)
	c := config{"to": nil, "bcc": []string{"one@example.net", "Two <two@example.net>"}}
	if _, err := open(t, at(t, server.Addr, c)).Send(t.Context(), destinationtest.Message()); err != nil {
		t.Fatal(err)
	}
	mail := server.Mails()[0]
	if want := []string{"one@example.net", "two@example.net"}; !slices.Equal(mail.Recipients, want) {
		t.Errorf("it went to %v, want %v", mail.Recipients, want)
	}
	if bytes.Contains(mail.Raw, []byte("example.net")) || !bytes.Contains(mail.Raw, []byte("\r\nTo: undisclosed-recipients:;\r\n")) {
		t.Errorf("got %s, want nobody named", mail.Raw)
	}
}

func TestSend_HasAHeaderForPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Severity = alert.Critical
	again := *m
	again.Attempt = 2
	test := destinationtest.Test()
	test.Severity = alert.Low
	other := destinationtest.Message()
	other.DeliveryID = "another"
	elsewhere := destinationtest.Hostile()
	mails := deliver(t, config{"subject_prefix": "SOC:"}, m, &again, test, other, elsewhere)
	first := mails[0]
	if want := "SOC: [CRITICAL] Root login to 123456789012 from 198.51.100.7 without MFA"; first.Subject != want {
		t.Errorf("got subject %q, want %q", first.Subject, want)
	}
	for name, want := range map[string]string{
		"Message-Id":                 "<0199a1b2c3d47e5f8a9b0c1d2e3f40510001@example.com>",
		"Date":                       "Sat, 21 Nov 2026 03:35:24 +0000",
		"Auto-Submitted":             "auto-generated",
		"X-Auto-Response-Suppress":   "DR, RN, NRN, OOF, AutoReply",
		"X-Alertrouter-Alert-Id":     "b4b3f0d2c1e04f6f",
		"X-Alertrouter-Severity":     "CRITICAL",
		"X-Alertrouter-Detection-Id": "AWS.Console.RootLogin",
		"Importance":                 "high",
		"User-Agent":                 "",
		"X-Mailer":                   "",
	} {
		if got := first.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if a, b := fmt.Sprint(first.header), fmt.Sprint(mails[1].header); a != b {
		t.Errorf("the second attempt has the header %s, want %s", b, a)
	}
	if got := mails[2]; got.Subject != "SOC: [LOW] [TEST] Root login to 123456789012 from 198.51.100.7 without MFA" || got.header.Get("Importance") != "" {
		t.Errorf("a test of low severity: got %q and importance %q", got.Subject, got.header.Get("Importance"))
	}
	thread := first.header.Get("References")
	if !strings.HasPrefix(thread, "<thread.") || thread != first.header.Get("In-Reply-To") {
		t.Errorf("got References %q and In-Reply-To %q, want the same thread", thread, first.header.Get("In-Reply-To"))
	}
	for i, want := range map[int]bool{2: false, 3: true, 4: false} {
		if got := mails[i].header.Get("References"); (got == thread) != want {
			t.Errorf("mail %d is in the thread %q, and the first in %q", i, got, thread)
		}
	}
	if a, b := first.header.Get("Message-Id"), mails[3].header.Get("Message-Id"); a == b {
		t.Errorf("two deliveries have the Message-ID %q", a)
	}
}

// TestSend_KeepsAnAlertOutOfTheHeader tries to break out of every place in the header that an alert's text gets to.
func TestSend_KeepsAnAlertOutOfTheHeader(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"x\r\nBcc: evil@evil.example\r\n\r\nbody", "x\nBcc: evil@evil.example", "x\rBcc: evil@evil.example", "x\u2028Bcc: evil@evil.example",
		"=?utf-8?q?x=0D=0ABcc:_evil@evil.example?=", "=?utf-8?q?=E2=80=AEfdp.exe?=", "x\x00\v\f\u0085Bcc: evil@evil.example",
		strings.Repeat("x", 3000), strings.Repeat("x", 77), strings.Repeat("x", 78), "a " + strings.Repeat("x", 100), strings.Repeat("é ", 3000), "\xff\xfe",
	} {
		m := destinationtest.Overlong(text)
		m.AlertID, m.DeliveryID, m.Alert.Detection.ID = text, text, text
		mail := deliver(t, config{}, m)[0]
		if mail.header.Get("Bcc") != "" || len(mail.header) != 15 {
			t.Errorf("%.40q: got the header %v", text, mail.header)
		}
		for name, value := range mail.Headers {
			if strings.ContainsAny(value, "\r\n\x00\u202e") {
				t.Errorf("%.40q: %s is %q", text, name, value)
			}
		}
		if utf8.RuneCountInString(mail.Subject) > maxSubject || strings.ContainsAny(mail.Subject, "\r\n\u202e") {
			t.Errorf("%.40q: got subject %q", text, mail.Subject)
		}
		if text == "=?utf-8?q?=E2=80=AEfdp.exe?=" && mail.Subject != "[HIGH] "+text {
			t.Errorf("got subject %q: what looks like an encoded word must stay what it looks like", mail.Subject)
		}
	}
}

func TestSend_StaysWithinLimits(t *testing.T) {
	t.Parallel()
	var messages []*destination.Message
	for _, text := range []string{
		strings.Repeat("x", 40_000), strings.Repeat("é", 40_000), strings.Repeat("😀", 40_000), strings.Repeat("&", 40_000),
		strings.Repeat(`"`, 40_000), strings.Repeat("=", 40_000), strings.Repeat(" \n", 40_000) + "x", strings.Repeat("x\n", 40_000),
		strings.Repeat("\t", 40_000) + "x", strings.Repeat(".\n", 20_000), strings.Repeat("👨‍👩‍👧‍👦", 5_000), strings.Repeat("'+", 20_000), strings.Repeat("word ", 9_000),
		"https://example.com/" + strings.Repeat("&", 280),
	} {
		m := destinationtest.Overlong(text)
		m.FallbackOf, m.Test, m.Link = text, true, "https://example.com/"+strings.Repeat("&", 280)
		m.Alert.Detection.ID, m.Alert.Detection.Version, m.AlertID = text, text, text
		m.Alert.LogTypes = []string{text}
		messages = append(messages, m)
	}
	for i, mail := range deliver(t, config{}, messages...) {
		if n := len(mail.rawHTML); n > email.MaxHTML {
			t.Errorf("mail %d: the HTML has %d bytes, want at most %d", i, n, email.MaxHTML)
		}
		if mail.Text == "" || strings.ContainsRune(mail.Text+mail.HTML, utf8.RuneError) {
			t.Errorf("mail %d: a character was cut in two, or all is gone", i)
		}
		if !render(t, config{}, messages[i]).Truncated {
			t.Errorf("mail %d: want Truncated", i)
		}
	}
	server := destinationtest.StartMail(t, nil)
	sender := open(t, at(t, server.Addr, config{}))
	for _, m := range messages {
		if _, err := sender.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for i, m := range server.Mails() {
		if n := len(m.Raw); n > email.MaxMail {
			t.Errorf("mail %d has %d bytes, want at most %d", i, n, email.MaxMail)
		}
	}
}

func TestRender_CutsFewOrdinaryAlerts(t *testing.T) {
	t.Parallel()
	all, cut := destinationtest.Corpus(t), 0
	sender := open(t, config{})
	for _, m := range all {
		rendering, err := sender.Render(m)
		if err != nil {
			t.Fatal(err)
		}
		if rendering.Truncated {
			cut++
		}
	}
	if cut > len(all)/100 {
		t.Errorf("%d of %d real alerts are cut, want few", cut, len(all))
	}
	t.Logf("%d of %d real alerts are cut", cut, len(all))
}

// tag finds what is markup in HTML.
var tag = regexp.MustCompile(`<(/?[a-zA-Z!][a-zA-Z0-9]*)`)

// TestRender_EscapesEverything compares the markup of a hostile alert with what the renderer itself writes.
func TestRender_EscapesEverything(t *testing.T) {
	t.Parallel()
	own := []string{"!DOCTYPE", "html", "head", "meta", "title", "style", "body", "table", "tr", "td", "span", "h1", "div", "br", "a", "pre"}
	for _, text := range []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `'><iframe src=//evil.example>`, `</title><script>`,
		`</style><script>`, `</pre></div></td></table><form action=//evil.example>`, `<!--`, `]]>`, `<b>&amp;</b>`, `&lt;script&gt;`, "javascript:alert(1)",
		`https://evil.example/"onmouseover="alert(1)`, `https://evil.example/'onmouseover='x`, "<\x00script>",
	} {
		m := destinationtest.Overlong(text)
		m.FallbackOf, m.Link, m.AlertID = text, text, text
		m.Alert.Detection.ID, m.Alert.Detection.Version = text, text
		m.Alert.LogTypes = []string{text}
		page := partsOf(t, render(t, config{}, m)).HTML
		for _, found := range tag.FindAllStringSubmatch(page, -1) {
			if !slices.Contains(own, strings.TrimPrefix(found[1], "/")) {
				t.Errorf("%q: got the tag %q", text, found[1])
			}
		}
		for _, never := range []string{"<script", "onerror=alert(1)>", "href=\"javascript", "\"onmouseover=\"", "'onmouseover='", "<!--"} {
			if strings.Contains(page, never) {
				t.Errorf("%q: got %q in %s", text, never, page)
			}
		}
	}
	for _, m := range samples() {
		page := partsOf(t, render(t, config{}, m)).HTML
		for _, never := range []string{"<img", "<link", "<script", "src=", "url(", "@import", "http-equiv"} {
			if strings.Contains(page, never) {
				t.Errorf("%s: got %q, want nothing that is fetched or run", m.Alert.Detection.ID, never)
			}
		}
		for _, link := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if !strings.HasPrefix(link[1], "https://") {
				t.Errorf("%s: got the link %q", m.Alert.Detection.ID, link[1])
			}
		}
	}
}

func TestRender_SaysTheSeverityInWordAndColour(t *testing.T) {
	t.Parallel()
	for severity, color := range map[alert.Severity]string{
		alert.Critical: "#B3261E", alert.High: "#E8590C", alert.Medium: "#F2A900", alert.Low: "#2B6CB0", alert.Info: "#6B7280",
	} {
		m := destinationtest.Message()
		m.Severity = severity
		p := partsOf(t, render(t, config{}, m))
		if strings.Count(p.HTML, color) < 3 || !strings.Contains(p.HTML, ">"+string(severity)+"</span>") {
			t.Errorf("the HTML does not show %s in %s", severity, color)
		}
		if !strings.HasPrefix(p.Subject, "["+string(severity)+"] ") || !strings.HasPrefix(p.Text, "["+string(severity)+"] ") {
			t.Errorf("got subject %q and text %.40q, want %s", p.Subject, p.Text, severity)
		}
	}
}

func TestRender_WrapsText(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Detection.Description = strings.Repeat("Some words that go on. ", 30) + "https://example.com/" + strings.Repeat("x", 100) + " 漢字 " + strings.Repeat("漢字 ", 60)
	m.Alert.Detection.Tags = slices.Repeat([]string{"MITRE:T1078"}, 20)
	m.Alert.Detection.Runbook = strings.Repeat("Ask them. ", 30)
	for line := range strings.SplitSeq(partsOf(t, render(t, config{}, m)).Text, "\n") {
		columns := utf8.RuneCountInString(line) + strings.Count(line, "漢") + strings.Count(line, "字")
		if columns > 78 && !strings.Contains(line, "https://") {
			t.Errorf("got %d columns in %q, want 78", columns, line)
		}
	}
}

func TestTemplates_ReplaceBothParts(t *testing.T) {
	t.Parallel()
	c := config{
		"title_template": "{{ .detection.id }}",
		"body_template":  "<style>p{color:red}</style><h2>{{ .severity }}</h2><p>For <b>you</b>:<br>{{ .description }}</p><p>{{ .dedup }}</p><table><tr><td>a</td><td>b &lt; c</td></tr></table>",
	}
	m := destinationtest.Message()
	m.Alert.Detection.Description = "<script>alert(1)</script>"
	m.Alert.Dedup = "exe.\u202efdp\x00"
	p := partsOf(t, render(t, c, m))
	if p.Subject != "[HIGH] AWS.Console.RootLogin" {
		t.Errorf("got subject %q", p.Subject)
	}
	if !strings.Contains(p.HTML, "<p>For <b>you</b>:<br>&lt;script&gt;alert(1)&lt;/script&gt;</p>") || strings.Contains(p.HTML, "<pre") {
		t.Errorf("got %s, want the template's HTML, and no context", p.HTML)
	}
	if want := "HIGH\nFor you:\n<script>alert(1)</script>\nexe.\ufffdfdp\ufffd\na  b < c"; !strings.Contains(p.Text, want) || strings.Contains(p.Text, "sourceIPAddress") || strings.Contains(p.Text, "color") {
		t.Errorf("got %s, want %s, and no context", p.Text, want)
	}
	if !strings.Contains(p.Text, "View alert:") || !strings.Contains(p.HTML, ">View alert</a>") {
		t.Error("the links are gone")
	}
}

func TestTemplates_StayWithinLimits(t *testing.T) {
	t.Parallel()
	for name, template := range map[string]string{
		"a value":     "<p>own start</p>{{ range .tags }}{{ . }}{{ end }}<p>own end</p>",
		"its own":     "<p>own start</p>{{ range .log_types }}<p class=\"a b c d e f g h i j k l m n o p q r s t u v w x y z\">{{ . }}</p>{{ end }}",
		"its own, ==": "<p>own start</p>{{ range .log_types }}=========================================={{ end }}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := destinationtest.Message()
			m.Alert.Detection.Tags = []string{strings.Repeat("x", 200_000)}
			m.Alert.LogTypes = slices.Repeat([]string{"AWS.CloudTrail"}, 2_000)
			c := config{"body_template": template}
			mail := deliver(t, c, m)[0]
			if n := len(mail.rawHTML); n > email.MaxHTML {
				t.Errorf("the HTML has %d bytes, want at most %d", n, email.MaxHTML)
			}
			for _, part := range []string{mail.HTML, mail.Text} {
				if !strings.Contains(part, "own start") || !strings.Contains(part, "View alert") || !strings.Contains(part, "Sent by alertrouter.") {
					t.Errorf("got %.300s…%s", part, part[max(0, len(part)-600):])
				}
			}
			if before, _, _ := strings.Cut(mail.HTML, ">View alert"); strings.Count(before, "\"")%2 != 0 {
				t.Errorf("it was cut in a tag: …%s", before[max(0, len(before)-600):])
			}
			if !render(t, c, m).Truncated {
				t.Error("want Truncated")
			}
		})
	}
}
