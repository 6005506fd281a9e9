// SPDX-License-Identifier: MPL-2.0

package amazon_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon/amazontest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

func TestConfig_ReportsEveryWrongFieldOfTheAccess(t *testing.T) {
	t.Parallel()
	type config = amazontest.Config
	const role = "arn:aws:iam::123456789012:role/alerts"
	for name, c := range map[string]struct {
		config config
		want   []string
	}{
		"none":                   {config{}, nil},
		"keys":                   {amazontest.Keys(), nil},
		"temporary keys":         {amazontest.Keys().And(config{"session_token": "abc/+="}), nil},
		"id alone":               {config{"access_key_id": "AKIAIOSFODNN7EXAMPLE"}, []string{"/secret_access_key"}},
		"secret alone":           {config{"secret_access_key": "hidden"}, []string{"/access_key_id"}},
		"token alone":            {config{"session_token": "hidden"}, []string{"/session_token"}},
		"bad id":                 {amazontest.Keys().And(config{"access_key_id": "AKIA EXAMPLE"}), []string{"/access_key_id"}},
		"bad secret":             {amazontest.Keys().And(config{"secret_access_key": "hidden\n"}), []string{"/secret_access_key"}},
		"bad token":              {amazontest.Keys().And(config{"session_token": "hidden token"}), []string{"/session_token"}},
		"long token":             {amazontest.Keys().And(config{"session_token": strings.Repeat("x", 16<<10+1)}), []string{"/session_token"}},
		"profile":                {config{"profile": "security-alerts"}, nil},
		"profile beside keys":    {amazontest.Keys().And(config{"profile": "p"}), []string{"/profile"}},
		"bad profile":            {config{"profile": "a]\n[b"}, []string{"/profile"}},
		"role":                   {config{"role_arn": role}, nil},
		"role with all":          {config{"role_arn": role, "external_id": "a:b/c=1", "role_session_name": "soc@example.com", "sts_endpoint_url": "https://sts.example.com"}, nil},
		"role of China":          {config{"role_arn": "arn:aws-cn:iam::123456789012:role/a/b/c"}, nil},
		"role of the EU":         {config{"role_arn": "arn:aws-eusc:iam::123456789012:role/a"}, nil},
		"role with a path":       {config{"role_arn": "arn:aws:iam::123456789012:role/soc:alerts/(eu)!/" + strings.Repeat("x", 64)}, nil},
		"role with a long name":  {config{"role_arn": "arn:aws:iam::123456789012:role/" + strings.Repeat("x", 65)}, []string{"/role_arn"}},
		"path of a role":         {config{"role_arn": "arn:aws:iam::123456789012:role/soc/"}, []string{"/role_arn"}},
		"path with a space":      {config{"role_arn": "arn:aws:iam::123456789012:role/the soc/x"}, []string{"/role_arn"}},
		"role over a profile":    {config{"role_arn": role, "profile": "p"}, nil},
		"a user":                 {config{"role_arn": "arn:aws:iam::123456789012:user/alerts"}, []string{"/role_arn"}},
		"long role":              {config{"role_arn": role + strings.Repeat("x", 2048)}, []string{"/role_arn"}},
		"bad external id":        {config{"role_arn": role, "external_id": "a b"}, []string{"/external_id"}},
		"short external id":      {config{"role_arn": role, "external_id": "a"}, []string{"/external_id"}},
		"long external id":       {config{"role_arn": role, "external_id": strings.Repeat("x", 1225)}, []string{"/external_id"}},
		"bad session":            {config{"role_arn": role, "role_session_name": "a/b"}, []string{"/role_session_name"}},
		"long session":           {config{"role_arn": role, "role_session_name": strings.Repeat("x", 65)}, []string{"/role_session_name"}},
		"what a role has":        {config{"external_id": "ab", "role_session_name": "ab", "sts_endpoint_url": "https://sts.example.com"}, []string{"/external_id", "/role_session_name", "/sts_endpoint_url"}},
		"region":                 {config{"region": "us-east-1"}, nil},
		"another region":         {config{"region": "eu-west-1"}, []string{"/region"}},
		"another at an endpoint": {config{"region": "eu-west-1", "endpoint_url": "http://localhost:4566"}, nil},
		"bad region":             {config{"region": "us-east-1.evil.example"}, []string{"/region"}},
		"bad endpoint":           {config{"endpoint_url": "localhost:4566"}, []string{"/endpoint_url"}},
		"endpoint with user":     {config{"endpoint_url": "https://user:hidden@example.com"}, []string{"/endpoint_url"}},
		"bad STS endpoint":       {config{"role_arn": role, "sts_endpoint_url": "ftp://example.com"}, []string{"/sts_endpoint_url"}},
	} {
		for service, s := range services {
			raw, err := json.Marshal(s.config.And(c.config))
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = s.typ.Split(raw, nil)
			var got []string
			for _, f := range problem.FieldsOf(err) {
				got = append(got, f.Name)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, %s: got %v (error %v), want %v", service, name, got, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("%s, %s: the error %q quotes a secret", service, name, err)
			}
		}
	}
}

func TestParseTopic(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]amazon.Topic{
		"arn:aws:sns:us-east-1:123456789012:alerts":                                {Region: "us-east-1"},
		"arn:aws:sns:ap-southeast-7:123456789012:alerts.fifo":                      {Region: "ap-southeast-7", FIFO: true},
		"arn:aws-cn:sns:cn-north-1:123456789012:Alerts_1-2":                        {Region: "cn-north-1"},
		"arn:aws-us-gov:sns:us-gov-west-1:123456789012:a":                          {Region: "us-gov-west-1"},
		"arn:aws-iso-b:sns:us-isob-east-1:123456789012:a":                          {Region: "us-isob-east-1"},
		"arn:aws-eusc:sns:eusc-de-east-1:123456789012:a":                           {Region: "eusc-de-east-1"},
		"arn:aws:sns:us-east-1:000000000000:" + strings.Repeat("x", 256):           {Region: "us-east-1"},
		"arn:aws:sns:us-east-1:000000000000:" + strings.Repeat("x", 251) + ".fifo": {Region: "us-east-1", FIFO: true},
	} {
		if got, ok := amazon.ParseTopic(arn); !ok || got != want {
			t.Errorf("%s: got %+v, %t; want %+v", arn, got, ok, want)
		}
	}
	for _, arn := range []string{
		"", "alerts", "arn:aws:sns:us-east-1:123456789012", "arn:aws:sqs:us-east-1:123456789012:alerts", "arn:aws:sns::123456789012:alerts",
		"arn:aws:sns:us-east-1:12345:alerts", "arn:aws:sns:us-east-1:123456789012:a.b", "arn:aws:sns:us-east-1:123456789012:a\n",
		"arn:aws:sns:us-east-1:123456789012:alerts:1b2c3d4e-5f6a", "arn:gcp:sns:us-east-1:123456789012:alerts",
		"arn:aws:sns:us-east-1:123456789012:" + strings.Repeat("x", 252) + ".fifo",
	} {
		if got, ok := amazon.ParseTopic(arn); ok {
			t.Errorf("%q is taken for %+v", arn, got)
		}
	}
}

func TestParseQueue(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]amazon.Queue{
		"https://sqs.us-east-1.amazonaws.com/123456789012/alerts":                     {Region: "us-east-1", Endpoint: "https://sqs.us-east-1.amazonaws.com"},
		"https://sqs.us-east-1.amazonaws.com/123456789012/alerts.fifo":                {Region: "us-east-1", FIFO: true, Endpoint: "https://sqs.us-east-1.amazonaws.com"},
		"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/a":                      {Region: "cn-north-1", Endpoint: "https://sqs.cn-north-1.amazonaws.com.cn"},
		"https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/a":                 {Region: "us-gov-west-1", Endpoint: "https://sqs-fips.us-gov-west-1.amazonaws.com"},
		"https://sqs.eu-west-1.api.aws/123456789012/a":                                {Region: "eu-west-1", Endpoint: "https://sqs.eu-west-1.api.aws"},
		"https://sqs.eusc-de-east-1.amazonaws.eu/123456789012/a":                      {Region: "eusc-de-east-1", Endpoint: "https://sqs.eusc-de-east-1.amazonaws.eu"},
		"https://vpce-0a1b-2c3d.sqs.us-east-2.vpce.amazonaws.com/123456789012/a":      {Region: "us-east-2", Endpoint: "https://vpce-0a1b-2c3d.sqs.us-east-2.vpce.amazonaws.com"},
		"https://us-west-2.queue.amazonaws.com/123456789012/a":                        {Region: "us-west-2"},
		"https://cn-north-1.queue.amazonaws.com.cn/123456789012/a":                    {Region: "cn-north-1"},
		"https://queue.amazonaws.com/123456789012/a":                                  {Region: "us-east-1"},
		"http://sqs.eu-central-1.localhost.localstack.cloud:4566/000000000000/a.fifo": {Region: "eu-central-1", FIFO: true, Endpoint: "http://sqs.eu-central-1.localhost.localstack.cloud:4566"},
		"http://localhost:4566/000000000000/a":                                        {Endpoint: "http://localhost:4566"},
		"http://localhost:4566/queue/us-east-1/000000000000/a":                        {Endpoint: "http://localhost:4566"},
		"https://sqs.us-east-1.amazonaws.com/123456789012/" + strings.Repeat("x", 80): {Region: "us-east-1", Endpoint: "https://sqs.us-east-1.amazonaws.com"},
	} {
		if got, ok := amazon.ParseQueue(address); !ok || got != want {
			t.Errorf("%s: got %+v, %t; want %+v", address, got, ok, want)
		}
	}
	for _, address := range []string{
		"https://sqs.us-east-1.amazonaws.com", "https://sqs.us-east-1.amazonaws.com/alerts", "https://sqs.us-east-1.amazonaws.com/123456789012/",
		"https://sqs.us-east-1.amazonaws.com/123456789012/a?Action=SendMessage", "https://sqs.us-east-1.amazonaws.com/123456789012/a#b",
		"https://sqs.us-east-1.amazonaws.com/123456789012/a b", "https://sqs.us-east-1.amazonaws.com/123456789012/" + strings.Repeat("x", 81),
	} {
		if got, ok := amazon.ParseQueue(address); ok {
			t.Errorf("%q is taken for %+v", address, got)
		}
	}
}
