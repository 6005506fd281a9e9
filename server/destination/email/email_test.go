// SPDX-License-Identifier: MPL-2.0

package email_test

import (
	"encoding/json"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/email"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// config is what a user sets, beside host, from and to.
type config map[string]any

func (c config) json(t testing.TB) json.RawMessage {
	t.Helper()
	members := map[string]any{"host": "smtp.example.com", "from": "Alertrouter <alerts@example.com>", "to": []string{"soc@example.com"}}
	maps.Copy(members, c)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	raw, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// now is the time of every mail.
var now = time.Date(2026, time.November, 21, 3, 35, 24, 0, time.UTC)

func open(t testing.TB, c config) destination.Sender {
	t.Helper()
	public, secrets, err := email.Type.Split(c.json(t), nil)
	if err != nil {
		t.Fatalf("the config is not valid: %v", err)
	}
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(client.Close)
	sender, err := email.Type.Open(public, secrets, destination.Env{HTTP: client, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// at is a config that leads to a server, and trusts it.
func at(t testing.TB, address string, more config) config {
	t.Helper()
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	c := config{"host": host, "port": port, "ca_certificate": destinationtest.MailRoot()}
	maps.Copy(c, more)
	return c
}

func render(t testing.TB, c config, m *destination.Message) destination.Rendering {
	t.Helper()
	rendering, err := open(t, c).Render(m)
	if err != nil {
		t.Fatal(err)
	}
	return rendering
}

// parts is what a rendering shows.
type parts struct {
	From    string            `json:"from"`
	To      []string          `json:"to"`
	Cc      []string          `json:"cc"`
	ReplyTo string            `json:"reply_to"`
	Subject string            `json:"subject"`
	Headers map[string]string `json:"headers"`
	Text    string            `json:"text"`
	HTML    string            `json:"html"`
}

func partsOf(t testing.TB, r destination.Rendering) parts {
	t.Helper()
	var p parts
	if err := json.Unmarshal(r.Body, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	many := slices.Repeat([]string{"x@example.com"}, 51)
	for i := range many {
		many[i] = strconv.Itoa(i) + many[i]
	}
	user := config{"username": "u", "password": "hidden"}
	with := func(more config) config {
		c := maps.Clone(user)
		maps.Copy(c, more)
		return c
	}
	for name, test := range map[string]struct {
		config config
		want   []string
	}{
		"least":                      {config{}, nil},
		"a user":                     {user, nil},
		"each mechanism":             {with(config{"auth_mechanism": "scram_sha_256"}), nil},
		"unknown mechanism":          {with(config{"auth_mechanism": "ntlm"}), []string{"/auth_mechanism"}},
		"user without password":      {config{"username": "u"}, []string{"/password"}},
		"password without user":      {config{"password": "hidden"}, []string{"/username"}},
		"a user in the open":         {with(config{"security": "none"}), []string{"/username"}},
		"a user with control":        {with(config{"username": "u\r\nRSET"}), []string{"/username"}},
		"a password of two lines":    {with(config{"password": "hidden\r\nRSET"}), []string{"/password"}},
		"a relay":                    {config{"security": "none"}, nil},
		"opportunistic TLS":          {config{"security": "opportunistic"}, []string{"/security"}},
		"a certificate for nothing":  {config{"security": "none", "ca_certificate": destinationtest.MailRoot()}, []string{"/security"}},
		"a certificate":              {config{"ca_certificate": destinationtest.MailRoot() + "\n" + destinationtest.MailRoot()}, nil},
		"no certificate":             {config{"ca_certificate": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}, []string{"/ca_certificate"}},
		"no PEM":                     {config{"ca_certificate": "x"}, []string{"/ca_certificate"}},
		"an address as host":         {config{"host": "2001:db8::1"}, nil},
		"no host":                    {config{"host": ""}, []string{"/host"}},
		"a URL as host":              {config{"host": "smtp://smtp.example.com"}, []string{"/host"}},
		"a host with a port":         {config{"host": "smtp.example.com:587"}, []string{"/host"}},
		"a host with a line break":   {config{"host": "smtp.example.com\r\n"}, []string{"/host"}},
		"an international host":      {config{"host": "smtp.münchen.example"}, []string{"/host"}},
		"a port too high":            {config{"port": 65536}, []string{"/port"}},
		"names":                      {config{"server_name": "mail.example.com", "helo_name": "[198.51.100.7]"}, nil},
		"HELO of two lines":          {config{"helo_name": "a\r\nMAIL FROM:<x@example.com>"}, []string{"/helo_name"}},
		"HELO of no address":         {config{"helo_name": "[198.51.100]"}, []string{"/helo_name"}},
		"HELO of IPv6":               {config{"helo_name": "[IPv6:2001:db8::7]"}, nil},
		"HELO of IPv6, tag in small": {config{"helo_name": "[ipv6:2001:db8::7]"}, nil},
		"HELO of IPv6 without a tag": {config{"helo_name": "[2001:db8::7]"}, []string{"/helo_name"}},
		"HELO of IPv4 with a tag":    {config{"helo_name": "[IPv6:198.51.100.7]"}, []string{"/helo_name"}},
		"HELO with a zone":           {config{"helo_name": "[IPv6:fe80::1%eth0]"}, []string{"/helo_name"}},
		"a group as sender":          {config{"from": "SOC: a@example.com;"}, []string{"/from"}},
		"a group with a comment":     {config{"to": []string{"SOC: a@example.com; (all)"}}, []string{"/to/0"}},
		"a semicolon in the name":    {config{"from": "\"SOC; EU\" <a@example.com>"}, nil},
		"a server name with a space": {config{"server_name": "a b"}, []string{"/server_name"}},
		"two senders":                {config{"from": "a@example.com, b@example.com"}, []string{"/from"}},
		"a sender with a line break": {config{"from": "a@example.com\r\nBcc: b@example.com"}, []string{"/from"}},
		"a name with a line break":   {config{"from": "\"x\r\nBcc: b@example.com\" <a@example.com>"}, []string{"/from"}},
		"a name with a coded break":  {config{"from": "=?utf-8?q?x=0D=0ABcc:_b@example.com?= <a@example.com>"}, []string{"/from"}},
		"an umlaut in the name":      {config{"from": "Münchner SOC <a@example.com>"}, nil},
		"an umlaut in the domain":    {config{"from": "a@münchen.example"}, []string{"/from"}},
		"its ASCII form":             {config{"from": "a@xn--mnchen-3ya.example"}, nil},
		"an umlaut before the @":     {config{"to": []string{"jürgen@example.com"}}, []string{"/to/0"}},
		"a quoted address":           {config{"to": []string{`"a b"@example.com`}}, []string{"/to/0"}},
		"a quoted address with @":    {config{"to": []string{`"a@evil.example> x"@example.com`}}, []string{"/to/0"}},
		"an address literal":         {config{"to": []string{"a@[198.51.100.7]"}}, []string{"/to/0"}},
		"a long address":             {config{"to": []string{strings.Repeat("a", 65) + "@example.com"}}, []string{"/to/0"}},
		"the second of two":          {config{"cc": []string{"a@example.com", "nobody"}}, []string{"/cc/1"}},
		"a group":                    {config{"to": []string{"soc: a@example.com, b@example.com;"}}, []string{"/to/0"}},
		"nobody":                     {config{"to": nil}, []string{"/to"}},
		"bcc alone":                  {config{"to": nil, "bcc": []string{"a@example.com"}}, nil},
		"51":                         {config{"to": many}, []string{"/to"}},
		"50 in all":                  {config{"to": many[:20], "cc": many[20:40], "bcc": many[40:50]}, nil},
		"51 in all":                  {config{"to": many[:20], "cc": many[20:40], "bcc": many[40:51]}, []string{"/to"}},
		"twice":                      {config{"to": []string{"a@example.com"}, "bcc": []string{"SOC <A@Example.com>"}}, []string{"/to"}},
		"an answer to nobody":        {config{"reply_to": "nobody"}, []string{"/reply_to"}},
		"a prefix of two lines":      {config{"subject_prefix": "x\r\nBcc: a@example.com"}, []string{"/subject_prefix"}},
		"a long prefix":              {config{"subject_prefix": strings.Repeat("x", 51)}, []string{"/subject_prefix"}},
		"a template that is none":    {config{"title_template": "{{", "body_template": "{{ if }}"}, []string{"/title_template", "/body_template"}},
		"everything at once":         {config{"host": "", "from": "", "to": nil, "port": -1, "security": "x"}, []string{"/host", "/port", "/security", "/from", "/to"}},
		"a member there is not":      {config{"insecure": true}, []string{"/insecure"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := email.Type.Split(test.config.json(t), nil)
			var got []string
			for _, f := range problem.FieldsOf(err) {
				got = append(got, f.Name)
			}
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(test.want)); !slices.Equal(got, want) {
				t.Errorf("got %v (error %v), want %v", got, err, want)
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error %q quotes a secret", err)
			}
		})
	}
}

func TestConfig_HasDefaults(t *testing.T) {
	t.Parallel()
	public, _, err := email.Type.Split(config{}.json(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"auth_mechanism":"auto","from":"Alertrouter \u003calerts@example.com\u003e","host":"smtp.example.com","security":"starttls","to":["soc@example.com"]}`
	if string(public) != want {
		t.Errorf("got %s, want %s", public, want)
	}
}
