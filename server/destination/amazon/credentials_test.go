// SPDX-License-Identifier: MPL-2.0

package amazon_test

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon/amazontest"
	amazonsns "github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon_sns"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
)

const roleARN = "arn:aws:iam::123456789012:role/security/alerts"

// withRole is a config that assumes a role.
func withRole(s service, a *amazontest.AWS) amazontest.Config {
	return s.config.And(amazontest.Keys()).And(amazontest.Config{"role_arn": roleARN, "external_id": "7f3c:alerts"}).At(a)
}

func TestSend_SignsWithStaticKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		aws.Replace("ASIATEMPORARY", amazontest.Key{Secret: "another/secret+", Token: "token//with==signs"})
		for _, keys := range []amazontest.Config{
			amazontest.Keys(),
			{"access_key_id": "ASIATEMPORARY", "secret_access_key": "another/secret+", "session_token": "token//with==signs"},
		} {
			receipt, err := amazontest.Open(t, s.typ, s.config.And(keys).At(aws)).Send(t.Context(), destinationtest.Message())
			if err != nil || receipt.StatusCode != 200 || !strings.HasPrefix(receipt.ExternalID, "94f20ce6-") {
				t.Errorf("got %+v, error %v", receipt, err)
			}
			calls := aws.Calls("")
			last := calls[len(calls)-1]
			want := map[string]string{"SNS": "us-east-1/sns", "SQS": "us-east-1/sqs"}[nameOf(s)]
			if last.Action != s.action || last.KeyID != keys["access_key_id"] || last.Scope != want {
				t.Errorf("got %s by %s for %s, want %s by %s for %s", last.Action, last.KeyID, last.Scope, s.action, keys["access_key_id"], want)
			}
			if agent := last.Header.Get("User-Agent"); !strings.Contains(agent, "app/alertrouter") {
				t.Errorf("got the agent %q, want it to name the application", agent)
			}
		}
	})
}

func nameOf(s service) string {
	for name, other := range services {
		if other.action == s.action {
			return name
		}
	}
	return ""
}

func TestSend_AssumesARoleOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		aws.Roles[roleARN] = amazontest.Role{ExternalID: "7f3c:alerts", Lasts: time.Hour}
		sender := amazontest.Open(t, s.typ, withRole(s, aws))
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if _, err := sender.Send(t.Context(), destinationtest.Message()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		assumed := aws.Calls("AssumeRole")
		if len(assumed) != 1 || len(aws.Calls(s.action)) != 16 {
			t.Fatalf("got %d roles assumed for %d messages, want 1 for 16", len(assumed), len(aws.Calls(s.action)))
		}
		if c := assumed[0]; c.KeyID != amazontest.KeyID || c.Scope != "us-east-1/sts" || c.Values["RoleSessionName"] != "alertrouter" || c.Values["ExternalId"] != "7f3c:alerts" {
			t.Errorf("got %+v", c)
		}
		if c := aws.Calls(s.action)[0]; c.KeyID != "ASIASESSION00001" {
			t.Errorf("the message was sent by %s, want the role's session", c.KeyID)
		}
	})
}

func TestSend_NamesTheSession(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		aws.Roles[roleARN] = amazontest.Role{Lasts: time.Hour}
		config := withRole(s, aws).And(amazontest.Config{"external_id": nil, "role_session_name": "soc@example.com"})
		if _, err := amazontest.Open(t, s.typ, config).Send(t.Context(), destinationtest.Message()); err != nil {
			t.Fatal(err)
		}
		c := aws.Calls("AssumeRole")[0]
		if _, has := c.Values["ExternalId"]; has || c.Values["RoleSessionName"] != "soc@example.com" {
			t.Errorf("got %+v", c.Values)
		}
	})
}

func TestSend_RenewsASessionBeforeItsEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		aws.Roles[roleARN] = amazontest.Role{ExternalID: "7f3c:alerts", Lasts: 50 * time.Second} // less than a minute is left
		sender := amazontest.Open(t, s.typ, withRole(s, aws))
		for range 3 {
			if _, err := sender.Send(t.Context(), destinationtest.Message()); err != nil {
				t.Fatal(err)
			}
		}
		calls := aws.Calls(s.action)
		if n := len(aws.Calls("AssumeRole")); n != 3 || calls[2].KeyID != "ASIASESSION00003" {
			t.Errorf("got %d roles assumed, the last message by %s", n, calls[2].KeyID)
		}
	})
}

func TestSend_RenewsASessionThatHasEnded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		aws.Roles[roleARN] = amazontest.Role{ExternalID: "7f3c:alerts", Lasts: time.Hour}
		sender := amazontest.Open(t, s.typ, withRole(s, aws))
		for i, want := range []string{"DELIVERED", "RETRY", "DELIVERED"} {
			if i == 1 {
				aws.Replace("ASIASESSION00001", amazontest.Key{Secret: "secretOfSession/1", Token: "tokenOfSession//1==", Expires: time.Now().Add(-time.Minute)})
			}
			receipt, err := sender.Send(t.Context(), destinationtest.Message())
			if got := outcomeOf(err); got != want {
				t.Errorf("attempt %d: got %s, %+v (error %v), want %s", i+1, got, receipt, err, want)
			}
		}
		if n := len(aws.Calls("AssumeRole")); n != 2 {
			t.Errorf("got %d roles assumed, want 2", n)
		}
	})
}

// TestSend_WhenTheRoleIsNotToBeHad has STS answer in all its ways: none may look as if the message had been sent.
func TestSend_WhenTheRoleIsNotToBeHad(t *testing.T) {
	t.Parallel()
	fault := func(status int, code string) func(http.ResponseWriter, bool) {
		return func(w http.ResponseWriter, _ bool) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<ErrorResponse><Error><Code>"+code+"</Code><Message>because</Message></Error></ErrorResponse>")
		}
	}
	page := func(status int, text string) func(http.ResponseWriter, bool) {
		return func(w http.ResponseWriter, _ bool) { w.WriteHeader(status); _, _ = io.WriteString(w, text) }
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, bool)
		want   string
		says   string
	}{
		"not allowed":     {fault(403, "AccessDenied"), "PERMANENT", "policy"},
		"region disabled": {fault(403, "RegionDisabledException"), "PERMANENT", "RegionDisabledException: because (request " + amazontest.RequestID + ")"},
		"malformed":       {fault(400, "ValidationError"), "PERMANENT", "ValidationError"},
		"wrong key":       {fault(403, "InvalidClientTokenId"), "PERMANENT", "access key"},
		"expired":         {fault(403, "ExpiredToken"), "RETRY", "expired"},
		"throttled":       {fault(400, "Throttling"), "RETRY", "Throttling"},
		"overloaded":      {fault(503, "ServiceUnavailable"), "RETRY", "ServiceUnavailable"},
		"clock":           {fault(403, "RequestTimeTooSkewed"), needsOperator, "clock"},
		"hung up":         {amazontest.HangUp, "RETRY", "closed before an answer"},
		"a proxy":         {page(502, "<html>"), "RETRY", "502"},
		"a login page":    {page(200, "<html><title>Log in</title></html>"), "RETRY", "login page"},
		"nothing":         {page(200, ""), "RETRY", "login page"},
		"no credentials":  {page(200, "<AssumeRoleResponse><AssumeRoleResult></AssumeRoleResult></AssumeRoleResponse>"), "RETRY", "login page"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
				aws.Roles[roleARN] = amazontest.Role{ExternalID: "7f3c:alerts", Lasts: time.Hour}
				sender := amazontest.Open(t, s.typ, withRole(s, aws))
				aws.NextRaw(c.answer)
				_, err := sender.Send(t.Context(), destinationtest.Message())
				if got := outcomeOf(err); got != c.want || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "the role could not be assumed") {
					t.Errorf("got %s (error %v), want %s and %q", got, err, c.want, c.says)
				}
				if strings.Contains(err.Error(), amazontest.Secret) {
					t.Errorf("got the error %q, which has a secret in it", err)
				}
				if n := len(aws.Calls(s.action)); n != 0 {
					t.Errorf("got %d messages", n)
				}
				if _, err := sender.Send(t.Context(), destinationtest.Message()); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		})
	}
}

func TestSend_WithAnotherExternalID(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		aws.Roles[roleARN] = amazontest.Role{ExternalID: "what they agreed on", Lasts: time.Hour}
		_, err := amazontest.Open(t, s.typ, withRole(s, aws)).Send(t.Context(), destinationtest.Message())
		if got := outcomeOf(err); got != "PERMANENT" || !strings.Contains(err.Error(), "is not authorized to perform: sts:AssumeRole") {
			t.Errorf("got %s (error %v)", got, err)
		}
	})
}

func TestSend_ToAddressesThatAreBlocked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		for name, config := range map[string]amazontest.Config{
			"the service": withRole(s, aws).And(amazontest.Config{"endpoint_url": "http://169.254.169.254"}),
			"STS":         withRole(s, aws).And(amazontest.Config{"sts_endpoint_url": "http://169.254.169.254"}),
		} {
			aws.Roles[roleARN] = amazontest.Role{ExternalID: "7f3c:alerts", Lasts: time.Hour}
			_, err := amazontest.Open(t, s.typ, config).Send(t.Context(), destinationtest.Message())
			if got := outcomeOf(err); got != "PERMANENT" || !strings.Contains(err.Error(), "--allow-network") {
				t.Errorf("%s: got %s (error %v), want PERMANENT and what would allow it", name, got, err)
			}
		}
	})
}

// alone gives the test an environment without any AWS credentials.
func alone(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, setting := range os.Environ() {
		if name, value, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value) // to have it back
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSend_UsesTheServersEnvironment(t *testing.T) {
	alone(t)
	t.Setenv("AWS_ACCESS_KEY_ID", amazontest.KeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", amazontest.Secret)
	t.Setenv("AWS_ENDPOINT_URL", "http://198.51.100.7") // an address is the destination's to choose
	for _, s := range services {
		aws := amazontest.New(t)
		aws.Roles[roleARN] = amazontest.Role{Lasts: time.Hour}
		for _, config := range []amazontest.Config{s.config, s.config.And(amazontest.Config{"role_arn": roleARN})} {
			if _, err := amazontest.Open(t, s.typ, config.At(aws)).Send(t.Context(), destinationtest.Message()); err != nil {
				t.Error(err)
			}
		}
		if c := aws.Calls(""); len(c) != 3 || c[0].KeyID != amazontest.KeyID || c[1].KeyID != amazontest.KeyID || c[1].Action != "AssumeRole" || c[2].KeyID != "ASIASESSION00001" {
			t.Errorf("got %+v", c)
		}
	}
}

func TestSend_UsesAProfileAndItsNewKeys(t *testing.T) {
	dir := alone(t)
	for name, s := range services {
		aws := amazontest.New(t)
		write(t, filepath.Join(dir, "credentials"), "[alerts]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old\n")
		sender := amazontest.Open(t, s.typ, s.config.And(amazontest.Config{"profile": "alerts"}).At(aws))
		_, err := sender.Send(t.Context(), destinationtest.Message())
		if got := outcomeOf(err); got != "PERMANENT" {
			t.Errorf("%s: with a key that is gone: got %s (error %v)", name, got, err)
		}
		write(t, filepath.Join(dir, "credentials"), "[alerts]\naws_access_key_id = "+amazontest.KeyID+"\naws_secret_access_key = "+amazontest.Secret+"\n")
		if _, err := sender.Send(t.Context(), destinationtest.Message()); err != nil {
			t.Errorf("%s: with the key that took its place: %v", name, err)
		}
	}
}

func TestSend_SaysWhereCredentialsWereLookedFor(t *testing.T) {
	dir := alone(t)
	const printed = "printedByTheProgram"
	write(t, filepath.Join(dir, "config"), "[profile broken]\ncredential_process = echo "+printed+"\n")
	s := services["SNS"]
	aws := amazontest.New(t)
	for profile, want := range map[string]string{
		"":       "no AWS credentials were found",
		"absent": `no profile "absent"`,
		"broken": "credential_process",
	} {
		config := s.config.At(aws)
		if profile != "" {
			config["profile"] = profile
		}
		_, err := amazontest.Open(t, s.typ, config).Send(t.Context(), destinationtest.Message())
		if got := outcomeOf(err); got != needsOperator || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), printed) {
			t.Errorf("profile %q: got %s (error %v), want %s and %q", profile, got, err, needsOperator, want)
		}
	}
	if n := len(aws.Calls("")); n != 0 {
		t.Errorf("got %d calls without credentials", n)
	}
}

// TestSend_WithABundleOfAuthorities has the variable set that has the SDK refuse HTTP clients that are not its own.
func TestSend_WithABundleOfAuthorities(t *testing.T) {
	dir := alone(t)
	bundle := httptest.NewTLSServer(nil)
	bundle.Close()
	write(t, filepath.Join(dir, "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bundle.Certificate().Raw})))
	t.Setenv("AWS_ACCESS_KEY_ID", amazontest.KeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", amazontest.Secret)
	s, aws := services["SQS"], amazontest.New(t)
	t.Setenv("AWS_CA_BUNDLE", filepath.Join(dir, "ca.pem"))
	if _, err := amazontest.Open(t, s.typ, s.config.At(aws)).Send(t.Context(), destinationtest.Message()); err != nil {
		t.Error(err)
	}
	t.Setenv("AWS_CA_BUNDLE", filepath.Join(dir, "absent.pem"))
	_, err := amazontest.Open(t, s.typ, s.config.At(aws)).Send(t.Context(), destinationtest.Message())
	if got := outcomeOf(err); got != needsOperator || !strings.Contains(err.Error(), "AWS_CA_BUNDLE") {
		t.Errorf("got %s (error %v), want what cannot be read", got, err)
	}
}

// TestSend_SignsInWithAWebIdentity has a pod's token, which STS takes at an address that is blocked and at one that is not.
func TestSend_SignsInWithAWebIdentity(t *testing.T) {
	dir := alone(t)
	s, aws := services["SNS"], amazontest.New(t)
	write(t, filepath.Join(dir, "token"), "a.web.identity")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", filepath.Join(dir, "token"))
	t.Setenv("AWS_ROLE_ARN", roleARN)
	refusal := func(w http.ResponseWriter, _ bool) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>no</Message></Error></ErrorResponse>")
	}
	for _, c := range []struct{ address, outcome, says string }{
		{"http://10.0.0.5", "PERMANENT", "--allow-network"},
		{aws.URL, needsOperator, "AWS gives the server no credentials: InvalidIdentityToken"},
	} {
		t.Setenv("AWS_ENDPOINT_URL_STS", c.address)
		if c.address == aws.URL {
			aws.NextRaw(refusal)
		}
		_, err := amazontest.Open(t, s.typ, s.config.At(aws)).Send(t.Context(), destinationtest.Message())
		if got := outcomeOf(err); got != c.outcome || !strings.Contains(err.Error(), c.says) {
			t.Errorf("STS at %s: got %s (error %v), want %s and %q", c.address, got, err, c.outcome, c.says)
		}
	}
}

// TestSend_ReachesTheMetadataAddressOnly has the container's metadata at an address that destinations may not reach.
func TestSend_ReachesTheMetadataAddressOnly(t *testing.T) {
	alone(t)
	var asked atomic.Int32
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Authorization") != "pod-token" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, `{"AccessKeyId":"`+amazontest.KeyID+`","SecretAccessKey":"`+amazontest.Secret+`","Token":"t","Expiration":"2999-01-01T00:00:00Z"}`)
	}))
	defer metadata.Close()
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", metadata.URL)
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod-token")
	s, aws := services["SNS"], amazontest.New(t)
	aws.Replace(amazontest.KeyID, amazontest.Key{Secret: amazontest.Secret, Token: "t"})
	none := netip.MustParsePrefix("192.0.2.1/32")
	_, err := amazontest.Open(t, s.typ, s.config.At(aws), none).Send(t.Context(), destinationtest.Message())
	if got := outcomeOf(err); got != "PERMANENT" || !strings.Contains(err.Error(), "--allow-network") || asked.Load() != 1 {
		t.Errorf("got %s (error %v) after %d questions to the metadata address, want the service's address blocked after 1", got, err, asked.Load())
	}
	if _, err := amazontest.Open(t, s.typ, s.config.At(aws)).Send(t.Context(), destinationtest.Message()); err != nil {
		t.Errorf("where the service's address is allowed: %v", err)
	}
}

// TestNew_DoesNotLookForCredentials opens a sender that has none.
func TestNew_DoesNotLookForCredentials(t *testing.T) {
	dir := alone(t)
	write(t, filepath.Join(dir, "config"), "[profile p]\ncredential_process = touch "+filepath.Join(dir, "touched")+"\n")
	sender := amazontest.Open(t, amazonsns.Type, services["SNS"].config.And(amazontest.Config{"profile": "p"}))
	if _, err := sender.Render(destinationtest.Message()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "touched")); err == nil {
		t.Error("the credentials were asked for before there was anything to send")
	}
	_, err := sender.Send(t.Context(), destinationtest.Message())
	if _, missing := os.Stat(filepath.Join(dir, "touched")); missing != nil || destination.NeedsOperator(err) == false {
		t.Errorf("the first attempt did not ask for them (error %v)", err)
	}
}
