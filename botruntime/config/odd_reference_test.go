package config

import "testing"

// What an injector of secrets should have replaced is no token: everybody who reads the manifest knows it. What a person should
// have replaced is no path.
func TestWhatNothingReplacedIsRefused(t *testing.T) {
	for _, setting := range []string{
		"API_TOKEN=vault:secret/data/bot#API_TOKEN", "API_TOKEN=>>vault:secret/data/bot#API_TOKEN", "WHATSAPP_HOOK_HMAC_KEY=vault:secret/bot/key",
		"API_TOKEN=arn:aws:secretsmanager:eu-west-1:123456789012:secret:bot", "API_TOKEN=gcp:secretmanager:projects/shop/secrets/bot",
		"API_TOKEN=bot-token@azurekeyvault", "AUTH_PATH=CHANGE_ME", "AUTH_PATH=/data/change_me", "API_TOKEN_FILE=change_me/token", "HOST=change_me",
	} {
		if c, err := Load([]string{setting}, ""); err == nil {
			t.Errorf("%s is accepted: %q, %q, %q, %q", setting, string(c.APIToken), c.AuthPath, c.APITokenFile, c.Host)
		}
	}
	for _, token := range []string{"vaulted-0123456789abcdef", "arn-0123456789abcdef", "sm-azure-key-0123456789"} {
		if _, err := Load([]string{"API_TOKEN=" + token}, ""); err != nil {
			t.Errorf("%s: %v", token, err)
		}
	}
	if _, err := Load([]string{"AUTH_PATH=/data/change_me_not"}, ""); err != nil {
		t.Error(err)
	}
}
