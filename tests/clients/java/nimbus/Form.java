// Apache HttpClient 5: its forms say `charset=ISO-8859-1` unless they are told otherwise.
package example;

import static example.Clients.ISSUER;
import static example.Clients.RESOURCE;
import static example.Clients.check;
import static example.Clients.told;

import java.util.List;

import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.entity.UrlEncodedFormEntity;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.message.BasicNameValuePair;

class Form {
    static void byHttpClient5() throws Exception {
        UrlEncodedFormEntity form = new UrlEncodedFormEntity(List.of(
                new BasicNameValuePair("name", (String) told("key").get("name")),
                new BasicNameValuePair("secret", (String) told("key").get("secret")),
                new BasicNameValuePair("resource", RESOURCE)));
        check(form.getContentType().endsWith("charset=ISO-8859-1"), form.getContentType());
        HttpPost request = new HttpPost(ISSUER + "/auth/v1/api-key/token");
        request.setEntity(form);
        try (CloseableHttpClient client = HttpClients.createDefault()) {
            String answer = client.execute(request, response -> EntityUtils.toString(response.getEntity()));
            check(answer.contains("\"access_token\""), answer);
        }
    }
}
